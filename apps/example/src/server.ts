import type { Backend } from "@posthorn/core";
import { Activity } from "./activity.js";
import { createApp } from "./app.js";
import { listen } from "./listen.js";
import { exampleMessages, letters } from "./messages.js";
import { connectWebhooks, startProviders } from "./providers.js";
import { resultRows } from "./table.js";

const providers = await startProviders(process.env);
const { mandrill, mailgun, fakes, webhookKeys } = providers;
const activity = new Activity();
const backends: Readonly<Record<string, Backend>> = { mandrill, mailgun };
// The button is for the fakes: it sends to addresses that are nobody's.
const demo = fakes.mandrill && fakes.mailgun ? sendAndReceive : undefined;
const app = await listen(
  createApp({ backends, activity, webhookKeys, ...(demo ? { demo } : {}) }),
  Number(process.env["PORT"] ?? 3000),
);
connectWebhooks(fakes, app.url);
console.log(`The example listens on ${app.url}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    await providers.close();
    await app.close();
  });
}

async function sendAndReceive(): Promise<void> {
  const from = "Posthorn <hello@example.com>";
  const to = ["Grace <grace@example.org>", "Alan <alan@bounce.example>"];
  const message = { ...exampleMessages(from, "", "").welcome, to };
  for (const backend of Object.values(backends)) {
    activity.add("mail", ...resultRows(message.subject ?? "", await backend.send(message)));
  }
  for (const letter of letters(from)) {
    for (const fake of Object.values(fakes)) await fake.receiveMail(letter);
  }
}
