// Run on each runtime: a mailbox with a file, restarted, and asked over HTTP. Prints what it saw.
import { mailbox } from "@posthorn/mailbox";

const [file] = process.argv.slice(2);
const first = mailbox({ file });
const attachments = [
  { filename: "small.txt", content: "file" },
  { filename: "large.bin", content: new Uint8Array(1_500_000) },
];
const message = { from: "ada@example.com", to: ["grace@example.org"], subject: "Hello", html: "<p>Hi" };
const sent = await first.send({ ...message, attachments });
await first.close();

const second = mailbox({ file });
const waiting = second.waitForMessage({ subject: "Second" });
const { url, close } = await second.listen({ port: 0 });
const remote = mailbox({ url });
await remote.send({ ...message, subject: "Second" });
await waiting;

const get = (path, init) => fetch(url + path, init);
const list = await (await get("messages?to=grace@example.org")).json();
const id = list.messages[1].id;
const html = await get(`messages/${id}/html`);
const large = await (await get(`messages/${id}/attachments/1`)).arrayBuffer();
const events = await get("api/events");
const reader = events.body.getReader();
const ready = new TextDecoder().decode((await reader.read()).value);
await reader.cancel();
const headers = { origin: "http://evil.example" };
const foreign = await get("api/messages", { headers });
await foreign.body?.cancel();
const source = await (await get(`messages/${id}/source.eml`)).text();
const report = {
  status: sent.status,
  subjects: list.messages.map(({ subject }) => subject),
  html: await html.text(),
  sandboxed: html.headers.get("content-security-policy").startsWith("sandbox"),
  large: large.byteLength,
  ready: ready.includes("event: ready"),
  foreign: foreign.status,
  source: source.includes("Subject: Hello\r\n"),
};
await remote.close();
await close();
await second.close();
console.log(JSON.stringify(report));
process.exit(0);
