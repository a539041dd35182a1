import { type Backend, type Message, PosthornError } from "@posthorn/core";
import type { Fault, WebhookFake } from "@posthorn/testing/servers";
import { Activity } from "./activity.js";
import { createApp } from "./app.js";
import { listen } from "./listen.js";
import { exampleMessages, letters } from "./messages.js";
import { connectWebhooks, startProviders } from "./providers.js";
import { EVENT_HEAD, errorRow, formatTable, MAIL_HEAD, type Row, resultRows } from "./table.js";

/** What the fakes do before they answer: a full house, a restart, and a dropped connection. */
const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  welcome: [
    { kind: "answer", status: 429, headers: { "retry-after": "1" }, body: '{"message":"slow down"}' },
  ],
  // In the form of their own errors: a proxy's 503 would not prove that nothing was sent.
  batch: [
    {
      kind: "answer",
      status: 503,
      headers: { "retry-after": "1" },
      body: '{"status":"error","name":"ServiceUnavailable","message":"try again soon"}',
    },
  ],
  "broken server": [{ kind: "answer", status: 500, body: '{"message":"something broke"}' }],
  "dropped connection": [{ kind: "reset-after-request" }],
};

const env = process.env;
const from = env["EXAMPLE_FROM"] ?? "Posthorn <hello@example.com>";
const to = env["EXAMPLE_TO"] ?? "Grace <grace@example.org>";
const sending = await startProviders(env);
const { mandrill, mailgun, fakes, webhookKeys } = sending;
const messages = exampleMessages(from, to, env["EXAMPLE_TO_OTHER"] ?? "Alan <alan@example.net>");
const rows: Row[] = [];
const activity = new Activity();
const app = await listen(createApp({ backends: { mandrill, mailgun }, activity, webhookKeys }), 0);
connectWebhooks(fakes, app.url);

for (const [backend, fake] of [
  [mandrill, fakes.mandrill],
  [mailgun, fakes.mailgun],
] as const) {
  for (const [name, message] of Object.entries(messages)) await send(backend, fake, name, message);
  if (!fake) continue;
  // Neither provider takes an idempotency key, so these are not sent again: that might make a second copy.
  await send(backend, fake, "broken server", messages.welcome);
  await send(backend, fake, "dropped connection", messages.welcome);
  for (const letter of letters(from)) await fake.receiveMail(letter);
}

console.log(formatTable(MAIL_HEAD, rows));
const running = Object.values(fakes);
if (running.length > 0) {
  await Promise.all(running.map((fake) => fake.settled()));
  console.log("\nWhat the providers told the app's webhooks, each post signed and verified:\n");
  const events = activity.of("event").map(({ cells }) => cells);
  console.log(formatTable(EVENT_HEAD, events));
  const taken = running.reduce((sum, fake) => sum + fake.messages.length, 0);
  console.log(
    `\nThe providers are fakes on this machine; they took ${taken} messages. Set MANDRILL_API_KEY or`,
  );
  console.log("MAILGUN_API_KEY, EXAMPLE_FROM and EXAMPLE_TO to send through the real ones.");
}
await sending.close();
await app.close();

async function send(
  backend: Backend,
  fake: WebhookFake | undefined,
  name: string,
  message: Message,
): Promise<void> {
  fake?.script(...(FAULTS[name] ?? []));
  try {
    rows.push(...resultRows(name, await backend.send(message)));
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error;
    rows.push(errorRow(backend.provider, name, error));
  }
}
