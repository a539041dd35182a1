import type { RetryOptions } from "@posthorn/core";
import { mailgun } from "@posthorn/mailgun";
import { mandrill } from "@posthorn/mandrill";
import { startFakeMailgun, startFakeMandrill, type WebhookFake } from "@posthorn/testing/servers";
import { type WebhookKeys, webhookUrls } from "./webhooks.js";

/** The fakes that run, unless there are keys for the real providers. */
interface Fakes {
  readonly mandrill?: WebhookFake;
  readonly mailgun?: WebhookFake;
}

/** What the example sends through. */
export interface Providers {
  readonly mandrill: ReturnType<typeof mandrill>;
  readonly mailgun: ReturnType<typeof mailgun>;
  readonly fakes: Fakes;
  readonly webhookKeys: WebhookKeys;
  close(): Promise<void>;
}

/** Quick enough to watch. A real app would leave these to their defaults. */
const retry: RetryOptions = { total: 5, connect: 5, status: 3, backoffFactor: 0.1, deadline: 20 };

/** The real providers where their keys are in the environment, and fakes on loopback where not. */
export async function startProviders(env: Readonly<Record<string, string | undefined>>): Promise<Providers> {
  const fakeMandrill = env["MANDRILL_API_KEY"] ? undefined : await startFakeMandrill();
  const fakeMailgun = env["MAILGUN_API_KEY"] ? undefined : await startFakeMailgun();
  return {
    mandrill: mandrill({ retry, ...target(fakeMandrill) }),
    mailgun: mailgun({ retry, ...target(fakeMailgun) }),
    fakes: {
      ...(fakeMandrill ? { mandrill: fakeMandrill } : {}),
      ...(fakeMailgun ? { mailgun: fakeMailgun } : {}),
    },
    webhookKeys: {
      mandrill: fakeMandrill?.webhookKey ?? env["MANDRILL_WEBHOOK_KEY"],
      mailgun: fakeMailgun?.webhookKey ?? env["MAILGUN_WEBHOOK_SIGNING_KEY"],
    },
    close: async () => {
      await fakeMandrill?.close();
      await fakeMailgun?.close();
    },
  };
}

/** Tells the fakes where the app is, as one tells the real ones in their control panels. */
export function connectWebhooks({ mandrill, mailgun }: Fakes, base: string): void {
  mandrill?.setWebhooks(webhookUrls(base, "mandrill"));
  mailgun?.setWebhooks(webhookUrls(base, "mailgun"));
}

function target(fake: WebhookFake | undefined): { apiKey?: string; apiUrl?: string } {
  return fake ? { apiKey: fake.apiKey, apiUrl: fake.apiUrl } : {};
}
