import { type Backend, type Message, PosthornError } from "@posthorn/core";
import type { FakeProvider, Fault } from "@posthorn/testing/servers";
import { mails } from "./mails.js";
import { startProviders } from "./providers.js";
import { errorRow, formatTable, type Row, resultRows } from "./table.js";

/** What the fakes do before they answer: a full house, a restart, and a dropped connection. */
const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  welcome: [
    { kind: "answer", status: 429, headers: { "retry-after": "1" }, body: '{"message":"slow down"}' },
  ],
  batch: [{ kind: "answer", status: 503, headers: { "retry-after": "1" }, body: "" }],
  "broken server": [{ kind: "answer", status: 500, body: '{"message":"something broke"}' }],
  "dropped connection": [{ kind: "reset-after-request" }],
};

const env = process.env;
const from = env["EXAMPLE_FROM"] ?? "Posthorn <hello@example.com>";
const to = env["EXAMPLE_TO"] ?? "Grace <grace@example.org>";
const sending = await startProviders(env);
const messages = mails(from, to, env["EXAMPLE_TO_OTHER"] ?? "Alan <alan@example.net>");
const rows: Row[] = [];

for (const [backend, fake] of [
  [sending.mandrill, sending.fakes.mandrill],
  [sending.mailgun, sending.fakes.mailgun],
] as const) {
  for (const [name, message] of Object.entries(messages)) await send(backend, fake, name, message);
  if (!fake) continue;
  // Neither provider takes an idempotency key, so these are not sent again: that might make a second copy.
  await send(backend, fake, "broken server", messages.welcome);
  await send(backend, fake, "dropped connection", messages.welcome);
}

console.log(formatTable(rows));
const fakes = Object.values(sending.fakes);
if (fakes.length > 0) {
  const taken = fakes.reduce((sum, fake) => sum + fake.mails.length, 0);
  console.log(`\nThe providers are fakes on this machine; they took ${taken} mails. Set MANDRILL_API_KEY or`);
  console.log("MAILGUN_API_KEY, EXAMPLE_FROM and EXAMPLE_TO to send through the real ones.");
}
await sending.close();

async function send(
  backend: Backend,
  fake: FakeProvider | undefined,
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
