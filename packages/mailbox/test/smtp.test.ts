import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningMailbox, startMailbox } from "../src/index.js";
import { ask } from "./messages.js";

let running: RunningMailbox;
beforeAll(async () => {
  running = await startMailbox({ file: false, port: 0, smtp: 0 });
});
afterAll(() => running.close());

const transport = (more: Record<string, unknown> = {}) =>
  createTransport({
    host: "127.0.0.1",
    port: Number(new URL(running.smtpUrl ?? "").port),
    secure: false,
    ...more,
  });

it("takes a message by SMTP as it is, blind copies too", async () => {
  const info = await transport().sendMail({
    from: "Ada <ada@example.com>",
    to: "Grace <grace@example.org>",
    bcc: "blind@example.org",
    subject: "Grüße",
    text: "Hi",
    html: '<img src="cid:logo"><p>Hi</p>',
    headers: { "X-Order": "7" },
    attachments: [
      { filename: "logo.png", content: Buffer.from([1, 2, 3]), cid: "logo", contentType: "image/png" },
      { filename: "a.txt", content: "file" },
    ],
  });
  expect(info.response).toContain("queued as");
  const stored = await running.mailbox.waitForMessage({ subject: "Grüße" });
  expect(stored).toMatchObject({
    via: "smtp",
    message: {
      from: [{ name: "Ada", email: "ada@example.com" }],
      to: [{ name: "Grace", email: "grace@example.org" }],
      bcc: [{ name: "", email: "blind@example.org" }],
      headers: { "X-Order": "7" },
      attachments: [
        { filename: "a.txt", inline: false, content: "ZmlsZQ==" },
        { filename: "logo.png", inline: true, contentId: "logo", content: "AQID" },
      ],
    },
  });
  const source = await (await ask(running.mailbox, `/messages/${stored.id}/source.eml`)).text();
  expect(source).toContain("X-Order: 7");
  const html = await (await ask(running.mailbox, `/messages/${stored.id}/html`)).text();
  expect(html).toContain("data:image/png;base64,AQID");
});

it("takes any login, and refuses by the recipient's domain", async () => {
  const sender = transport({ auth: { user: "any", pass: "made-up" } });
  const message = { from: "a@example.com", subject: "To many", text: "Hi" };
  const info = await sender.sendMail({ ...message, to: ["ok@example.org", "no@invalid.example"] });
  expect(info.rejected).toEqual(["no@invalid.example"]);
  await expect(sender.sendMail({ ...message, to: "x@reject.example" })).rejects.toMatchObject({
    responseCode: 550,
  });
  const [stored] = await running.mailbox.listMessages({ subject: "To many" });
  expect(Object.keys(stored?.recipients ?? {})).toEqual(["ok@example.org"]);
  expect(stored?.message.bcc).toEqual([]);
});

it("starts without SMTP where the port is taken and nobody asked for it", async () => {
  const port = Number(new URL(running.smtpUrl ?? "").port);
  await expect(startMailbox({ file: false, port: 0, smtp: port })).rejects.toThrow(`port ${port} is in use`);
});
