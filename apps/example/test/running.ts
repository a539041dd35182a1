import type { WebhookFake } from "@posthorn/testing/servers";
import { Activity } from "../src/activity.js";
import { createApp } from "../src/app.js";
import { listen } from "../src/listen.js";
import { connectWebhooks, startProviders } from "../src/providers.js";

/** The example as `server.ts` runs it, on a free port and with fakes alone. */
export interface Running {
  readonly url: string;
  readonly activity: Activity;
  readonly fakes: Readonly<Record<"mandrill" | "mailgun", WebhookFake>>;
  /** Sends a mail through `POST /send/:provider`, and gives the status of the answer. */
  send(provider: string, message: Readonly<Record<string, unknown>>): Promise<number>;
  close(): Promise<void>;
}

export async function run(): Promise<Running> {
  const { mandrill, mailgun, fakes, webhookKeys, close } = await startProviders({});
  const activity = new Activity();
  const app = await listen(createApp({ backends: { mandrill, mailgun }, activity, webhookKeys }), 0);
  connectWebhooks(fakes, app.url);
  if (!fakes.mandrill || !fakes.mailgun) throw new Error("the fakes should run without keys");
  return {
    url: app.url,
    activity,
    fakes: { mandrill: fakes.mandrill, mailgun: fakes.mailgun },
    async send(provider, message) {
      const body = JSON.stringify({ from: "a@example.com", to: ["b@example.org"], text: "Hi", ...message });
      const headers = { "content-type": "application/json" };
      return (await fetch(`${app.url}/send/${provider}`, { method: "POST", body, headers })).status;
    },
    async close() {
      await close();
      await app.close();
    },
  };
}
