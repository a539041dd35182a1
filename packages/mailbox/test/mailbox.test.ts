import { ConfigurationError, RecipientsRefusedError, UnsupportedFeatureError } from "@posthorn/core";
import { mailgun } from "@posthorn/mailgun";
import { resend, resendFeatures } from "@posthorn/resend";
import { afterEach, describe, expect, it } from "vitest";
import { consoleMail, mailbox, startMailbox } from "../src/index.js";
import { ask, HELLO, memoryMailbox, newestId } from "./messages.js";

const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

describe("a mailbox as a backend", () => {
  it("keeps a message with all its fields, and says who got it", async () => {
    const mail = memoryMailbox();
    const result = await mail.send({
      ...HELLO,
      cc: ["cc@example.org"],
      bcc: ["bcc@example.org"],
      replyTo: ["Help <help@example.com>"],
      headers: { "X-Order": 7 },
      tags: ["welcome"],
      metadata: { userId: 42 },
      sendAt: "2026-12-01T10:00:00+02:00",
      mergeData: { "grace@example.org": { name: "Grace" } },
      attachments: [
        { filename: "a.txt", content: "text" },
        { filename: "b.bin", content: new Blob([new Uint8Array([1, 2, 3])]).stream() },
        { filename: "c.bin", content: new Uint8Array(600_000), contentId: "c" },
      ],
    });
    expect(result).toMatchObject({ provider: "Mailbox", status: "sent" });
    expect(Object.keys(result.recipients)).toEqual([
      "grace@example.org",
      "cc@example.org",
      "bcc@example.org",
    ]);
    const [stored] = await mail.listMessages();
    expect(`<${stored?.id}@mailbox.localhost>`).toBe(result.messageId);
    expect(stored?.message).toMatchObject({
      from: [{ name: "Ada", email: "ada@example.com" }],
      bcc: [{ name: "", email: "bcc@example.org" }],
      replyTo: [{ name: "Help", email: "help@example.com" }],
      headers: { "X-Order": 7 },
      tags: ["welcome"],
      metadata: { userId: 42 },
      sendAt: "2026-12-01T10:00:00+02:00",
      mergeData: { "grace@example.org": { name: "Grace" } },
      attachments: [
        { filename: "a.txt", content: "dGV4dA==", size: 4, inline: false },
        { filename: "b.bin", content: "AQID" },
        { filename: "c.bin", size: 600_000, inline: true, contentId: "c" },
      ],
    });
    await mail.close();
  });

  it("checks messages as every backend does, and keeps none that is refused", async () => {
    const mail = memoryMailbox();
    await expect(mail.send({ ...HELLO, from: "nobody" })).rejects.toMatchObject({ field: "from" });
    await expect(mail.send({ ...HELLO, to: ["a@reject.example"] })).rejects.toThrow(RecipientsRefusedError);
    expect((await mail.listMessages()).map(({ message }) => message.to[0]?.email)).toEqual([
      "a@reject.example",
    ]);
  });

  it("refuses what the provider that it stands for refuses", async () => {
    const real = resend({ apiKey: "made-up" });
    for (const like of [real, () => real, resendFeatures]) {
      const mail = mailbox({ file: false, like });
      const message = { ...HELLO, envelopeSender: "bounce@example.com" } as typeof HELLO;
      await expect(mail.send(message)).rejects.toThrow(UnsupportedFeatureError);
      expect(await mail.listMessages()).toEqual([]);
    }
    // This is beyond what features tell.
    const mail = mailbox({ file: false, like: real });
    const merged = { ...HELLO, mergeData: { "grace@example.org": { a: 1 } } };
    await expect(mail.send(merged)).rejects.toThrow("Resend");
  });

  it("says what to do when the backend that it stands for lacks its key", async () => {
    delete process.env["RESEND_API_KEY"];
    const mail = mailbox({ file: false, like: resend });
    await expect(mail.send(HELLO)).rejects.toThrow(/like: resendFeatures/);
  });

  it("tells of each recipient by its domain, or as it was told", async () => {
    const mail = memoryMailbox();
    const to = ["a@example.org", "b@reject.example", "c@invalid.example"];
    const { recipients } = await mail.send({ ...HELLO, to });
    expect(Object.values(recipients).map(({ status }) => status)).toEqual(["sent", "rejected", "invalid"]);
    const queued = memoryMailbox({ outcome: () => "queued" });
    expect((await queued.send(HELLO)).status).toBe("queued");
  });

  it("keeps one message of two with the same key", async () => {
    const mail = memoryMailbox();
    const first = await mail.send({ ...HELLO, idempotencyKey: "once" });
    const second = await mail.send({ ...HELLO, idempotencyKey: "once" });
    expect(second.messageId).toBe(first.messageId);
    expect(await mail.listMessages()).toHaveLength(1);
  });

  it("has hooks, defaults and batches as all do", async () => {
    const mail = memoryMailbox({
      sendDefaults: { from: "default@example.com", tags: ["all"] },
      preSend: (message) => ({ ...message, subject: `[dev] ${message.subject}` }),
    });
    const messages = ["a", "b", "c"].map((name) => ({
      to: [`${name}@example.org`],
      subject: name,
      text: name,
    }));
    for await (const outcome of mail.sendMany(messages)) expect(outcome.ok).toBe(true);
    const stored = await mail.listMessages({ tag: "all" });
    expect(stored.map(({ message }) => message.subject).sort()).toEqual(["[dev] a", "[dev] b", "[dev] c"]);
  });

  it("finds messages, and waits for those that are yet to come", async () => {
    const mail = memoryMailbox();
    await mail.send(HELLO);
    await mail.send({
      ...HELLO,
      to: ["alan@example.org"],
      subject: "Reset your password",
      tags: ["account"],
    });
    const subjects = async (query: Parameters<typeof mail.listMessages>[0]): Promise<unknown[]> =>
      (await mail.listMessages(query)).map(({ message }) => message.subject);
    expect(await subjects({ to: "GRACE@example.org" })).toEqual(["Hello"]);
    expect(await subjects({ to: "alan" })).toEqual(["Reset your password"]);
    expect(await subjects({ subject: /reset/i })).toEqual(["Reset your password"]);
    expect(await subjects({ q: "password alan" })).toEqual(["Reset your password"]);
    expect(await subjects({ tag: "none" })).toEqual([]);
    const waiting = mail.waitForMessage({ to: "late@example.org" });
    await mail.send({ ...HELLO, to: ["late@example.org"] });
    expect((await waiting).message.to[0]?.email).toBe("late@example.org");
    await expect(mail.waitForMessage({ subject: "never" }, { timeout: 20 })).rejects.toThrow(
      /no message fits subject never within 20 ms; the newest are "Hello" to late@example.org/,
    );
    await mail.clear();
    expect(await mail.listMessages()).toEqual([]);
  });

  it("does not run in production unless it is allowed and guarded", () => {
    process.env["NODE_ENV"] = "production";
    expect(() => mailbox({ file: false })).toThrow(ConfigurationError);
    expect(() => mailbox({ file: false, allowInProduction: true })).toThrow(/authorize/);
    expect(() => mailbox({ file: false, allowInProduction: true, authorize: () => true })).not.toThrow();
  });

  it.each([
    [{ limt: 5 }, /unknown option "limt"/],
    [{ limit: 0 }, /"limit" must be a number above 0/],
    [{ basePath: "dev" }, /"basePath" must be a path/],
    [
      { webhooks: { tracking: "http://10.0.0.1/hook", format: async () => undefined } },
      /must be a URL on this machine/,
    ],
    [
      { webhooks: { tracking: "file:///etc/passwd", format: async () => undefined } },
      /must be a URL on this machine/,
    ],
    [
      { webhooks: { tracking: "http://localhost.example.com/", format: async () => undefined } },
      /on this machine/,
    ],
    [{ webhooks: { tracking: "http://localhost/" } }, /"webhooks.format" is required/],
  ])("refuses the options %j", (options, message) => {
    expect(() => memoryMailbox(options as never)).toThrow(message);
  });
});

describe("a mailbox in another process", () => {
  it("takes messages over HTTP", async () => {
    const { mailbox: here, url, close } = await startMailbox({ file: false, port: 0, smtp: false });
    const remote = mailbox({ url });
    const result = await remote.send({
      ...HELLO,
      attachments: [{ filename: "a", content: new Uint8Array(400_000) }],
    });
    const [stored] = await here.listMessages();
    expect(`<${stored?.id}@mailbox.localhost>`).toBe(result.messageId);
    expect(stored?.message.attachments[0]?.size).toBe(400_000);
    await expect(remote.send({ ...HELLO, to: ["a@reject.example"] })).rejects.toThrow(RecipientsRefusedError);
    await remote.close();
    await close();
  });

  it("says which port is in use", async () => {
    const first = await startMailbox({ file: false, port: 0, smtp: false });
    const port = Number(new URL(first.url).port);
    await expect(startMailbox({ file: false, port, smtp: false })).rejects.toThrow(`port ${port} is in use`);
    await first.close();
  });
});

describe("what a provider would be sent", () => {
  const providers = {
    resend: resend({ apiKey: "re_made_up_key" }),
    mailgun: mailgun({ apiKey: "made-up", senderDomain: "example.com" }),
  };

  it("shows requests without secrets, and the fields that do not fit", async () => {
    const mail = memoryMailbox({ providers });
    await mail.send({ ...HELLO, tags: ["a"], envelopeSender: "bounce@example.com", amp: "<html amp4email>" });
    const id = await newestId(mail);
    const info = await (await ask(mail, "/api/info")).json();
    expect(info.providers).toEqual(["resend", "mailgun"]);
    const text = await (await ask(mail, `/api/messages/${id}/requests/resend`)).text();
    expect(text).not.toContain("re_made_up_key");
    const preview = JSON.parse(text);
    expect(preview.unsupported.map(({ field }: { field: string }) => field).sort()).toEqual([
      "amp",
      "envelopeSender",
    ]);
    expect(preview.requests).toHaveLength(1);
    expect(JSON.parse(preview.requests[0].body)).toMatchObject({
      subject: "Hello",
      to: ["Grace <grace@example.org>"],
    });
    const other = await (await ask(mail, `/api/messages/${id}/requests/mailgun`)).json();
    expect(other.requests[0].url).toContain("/example.com/messages");
    expect((await ask(mail, `/api/messages/${id}/requests/none`)).status).toBe(404);
    expect((await ask(mail, `/api/messages/${id}/requests/toString`)).status).toBe(404);
  });

  it("cuts attachments short", async () => {
    const mail = memoryMailbox({ providers });
    await mail.send({ ...HELLO, attachments: [{ filename: "a", content: new Uint8Array(500_000) }] });
    const body = await (await ask(mail, `/api/messages/${await newestId(mail)}/requests/resend`)).text();
    expect(body.length).toBeLessThan(10_000);
    expect(body).toContain("characters)");
  });
});

describe("consoleMail", () => {
  it("prints a readable message", async () => {
    const written: string[] = [];
    const mail = consoleMail({ write: (text) => written.push(text) });
    const attachments = [{ filename: "a.pdf", content: "12345", contentType: "application/pdf" }];
    const result = await mail.send({ ...HELLO, tags: ["welcome"], attachments });
    expect(result.status).toBe("sent");
    expect(written).toEqual([
      [
        "┌─ Message (not sent)",
        "│ From:     Ada <ada@example.com>",
        "│ To:       Grace <grace@example.org>",
        "│ Subject:  Hello",
        "│ Tags:     welcome",
        "│ Attached: a.pdf, application/pdf, 5 bytes",
        "│ ",
        "│ Hi Grace",
        "└─",
      ].join("\n"),
    ]);
  });

  it("cannot be made to move the cursor", async () => {
    const written: string[] = [];
    const mail = consoleMail({ write: (text) => written.push(text) });
    await mail.send({ ...HELLO, text: "a\u001b[2Jb\u009bc\u202ed\re" });
    expect(written[0]).toContain("│ a�[2Jb�c�d�e");
  });

  it("prints HTML as text where there is no other", async () => {
    const written: string[] = [];
    const mail = consoleMail({ write: (text) => written.push(text) });
    await mail.send({ from: HELLO.from, to: HELLO.to, html: "<style>p{}</style><p>Hi &amp; bye</p>" });
    expect(written[0]).toContain("Hi & bye");
    expect(written[0]).not.toContain("p{}");
  });
});
