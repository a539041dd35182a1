import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  ApiError,
  type Backend,
  ConfigurationError,
  type PosthornError,
  TransportError,
} from "@posthorn/core";
import { mandrill } from "@posthorn/mandrill";
import { type MemoryBackend, memory } from "@posthorn/testing";
import { startFaultServer } from "@posthorn/testing/servers";
import nodemailer from "nodemailer";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { PosthornTransportError, posthornTransport } from "../src/index.js";
import { failure, VERSIONS } from "./kit.js";

const mail = { from: "Ada <ada@example.com>", to: "grace@example.org", subject: "Subject", text: "Text" };
const last = (backend: MemoryBackend): Record<string, unknown> => {
  const sent = backend.outbox.at(-1);
  if (!sent) throw new Error("nothing was sent");
  return sent.normalized as unknown as Record<string, unknown>;
};
const content = (backend: MemoryBackend, index = 0): string => {
  const file = backend.outbox.at(-1)?.normalized.attachments[index];
  return Buffer.from(String(file?.content.base64()), "base64").toString();
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "posthorn-nodemailer-"));
  writeFileSync(join(folder, "a.txt"), "from a file");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(VERSIONS)("Nodemailer %s", (_version, createTransport) => {
  const setUp = (options?: Parameters<typeof posthornTransport>[1], defaults?: object) => {
    const backend = memory();
    return { backend, transporter: createTransport(posthornTransport(backend, options), defaults) };
  };

  it("maps every option", async () => {
    const { backend, transporter } = setUp();
    const info = await transporter.sendMail({
      from: { name: "Ada Ä", address: "ada@example.com" },
      to: 'Grace <grace@example.org>, "B, C" <b@example.org>',
      cc: ["cc@example.org", { name: "Carbon", address: "carbon@example.org" }],
      bcc: "Team: hidden@example.org, other@example.org;",
      replyTo: "reply@example.com",
      inReplyTo: "<first@example.com>",
      references: ["<zero@example.com>", "<first@example.com>"],
      subject: "Grüße",
      text: "Text ä",
      html: Buffer.from("<p>HTML ä</p>"),
      amp: "<html amp4email></html>",
      alternatives: [
        { contentType: "text/x-web-markdown", content: Readable.from([Buffer.from("**Text ä**")]) },
      ],
      icalEvent: { method: "request", content: "BEGIN:VCALENDAR" },
      list: {
        unsubscribe: ["https://example.com/u", "u@example.com"],
        id: { url: "news.example.com", comment: "News" },
      },
      priority: "high",
      headers: {
        "X-Own": "value",
        "X-Number": 7,
        "X-Prepared": { prepared: true, value: "raw" },
        "X-One": ["alone"],
        Keywords: ["a", "b"],
      },
      messageId: "<own@example.com>",
      date: new Date("2038-01-19T03:14:07Z"),
      envelope: { from: "bounce@example.com" },
      attachments: [
        { filename: "s.txt", content: "string ä" },
        { filename: "b.bin", content: Buffer.from([0, 255]), contentType: "application/x-own" },
        { filename: "e.txt", content: "ZW5jb2RlZA==", encoding: "base64" },
        { filename: "r.txt", content: Readable.from([Buffer.from("streamed")]) },
        { path: join(folder, "a.txt") },
        { path: "data:text/plain;base64,ZGF0YSBVUkk=" },
        { filename: "logo.png", content: Buffer.from("png"), cid: "logo" },
      ],
      posthorn: { tags: ["welcome"], metadata: { id: 4 } },
    });
    expect(last(backend)).toMatchObject({
      from: [{ name: "Ada Ä", email: "ada@example.com" }],
      to: [
        { name: "Grace", email: "grace@example.org" },
        { name: "B, C", email: "b@example.org" },
      ],
      cc: [{ email: "cc@example.org" }, { name: "Carbon", email: "carbon@example.org" }],
      bcc: [{ email: "hidden@example.org" }, { email: "other@example.org" }],
      replyTo: [{ email: "reply@example.com" }],
      subject: "Grüße",
      text: "Text ä",
      html: "<p>HTML ä</p>",
      amp: "<html amp4email></html>",
      alternatives: [
        { contentType: "text/x-web-markdown", content: "**Text ä**" },
        { contentType: "text/calendar; method=REQUEST", content: "BEGIN:VCALENDAR" },
      ],
      envelopeSender: { email: "bounce@example.com" },
      tags: ["welcome"],
      metadata: { id: 4 },
    });
    const headers = Object.fromEntries(last(backend)["headers"] as [string, string][]);
    expect(headers).toEqual({
      "X-Own": "value",
      "X-Number": "7",
      "X-Prepared": "raw",
      "X-One": "alone",
      Keywords: "a, b",
      "List-Unsubscribe": "<https://example.com/u>, <mailto:u@example.com>",
      "List-Id": expect.stringMatching(/^"?News"? <(?:http:\/\/)?news\.example\.com>$/),
      References: "<zero@example.com> <first@example.com>",
      "In-Reply-To": "<first@example.com>",
      "X-Priority": "1 (Highest)",
      "X-MSMail-Priority": "High",
      Importance: "High",
      "Message-ID": "<own@example.com>",
      Date: "Tue, 19 Jan 2038 03:14:07 +0000",
    });
    const files = backend.outbox.at(-1)?.normalized.attachments ?? [];
    expect(files.map(({ filename }) => filename)).toEqual([
      "s.txt",
      "b.bin",
      "e.txt",
      "r.txt",
      "a.txt",
      expect.stringMatching(/^attachment-6|^.+\.txt$/),
      "logo.png",
    ]);
    expect(files.map((_, index) => content(backend, index))).toEqual([
      "string ä",
      Buffer.from([0, 255]).toString(),
      "encoded",
      "streamed",
      "from a file",
      "data URI",
      "png",
    ]);
    expect(files[1]?.mimeType).toBe("application/x-own");
    expect(files[6]).toMatchObject({ inline: true, contentId: "logo", mimeType: "image/png" });
    expect(info).toMatchObject({
      envelope: { from: "bounce@example.com" },
      messageId: "memory-1",
      accepted: [
        "grace@example.org",
        "b@example.org",
        "cc@example.org",
        "carbon@example.org",
        "hidden@example.org",
        "other@example.org",
      ],
      rejected: [],
      pending: [],
      response: "sent by Memory",
      posthorn: { status: "sent" },
    });
  });

  it("adds no headers that the caller did not ask for, and opens no options it was not given", async () => {
    const { backend, transporter } = setUp();
    await transporter.sendMail(mail);
    expect(last(backend)).toMatchObject({
      headers: [],
      envelopeSender: undefined,
      alternatives: [],
      attachments: [],
    });
  });

  it("takes defaults, plugins of the step compile, and callbacks", async () => {
    const { backend, transporter } = setUp(
      {},
      { from: "Default <default@example.com>", headers: { "X-D": "d" } },
    );
    transporter.use("compile", (compiled: { data: Record<string, unknown> }, done: () => void) => {
      compiled.data["html"] = "<p>from a plugin</p>";
      done();
    });
    const { from: _, ...senderless } = mail;
    await transporter.sendMail(senderless);
    expect(last(backend)).toMatchObject({
      from: [{ email: "default@example.com" }],
      html: "<p>from a plugin</p>",
    });
    expect(last(backend)["headers"]).toEqual([["X-D", "d"]]);
    const info = await new Promise((resolve, reject) => {
      (transporter.sendMail as (options: object, callback: (error: unknown, info: unknown) => void) => void)(
        mail,
        (error, result) => (error ? reject(error) : resolve(result)),
      );
    });
    expect(info).toMatchObject({ accepted: ["grace@example.org"] });
  });

  it("takes several authors", async () => {
    const { backend, transporter } = setUp();
    await transporter.sendMail({ ...mail, from: "ada@example.com, also@example.com" });
    expect((last(backend)["from"] as { email: string }[]).map(({ email }) => email)).toEqual([
      "ada@example.com",
      "also@example.com",
    ]);
  });

  it.each<[string, object, string]>([
    ["raw", { raw: "From: x" }, "raw"],
    ["watchHtml", { watchHtml: "<b>x</b>" }, "watchHtml"],
    ["dkim", { dkim: { domainName: "example.com", keySelector: "s", privateKey: "made-up" } }, "dkim"],
    ["dsn", { dsn: { notify: "failure" } }, "dsn"],
    ["auth", { auth: { user: "ada", pass: "made-up" } }, "auth"],
    ["ses", { ses: {} }, "ses"],
    ["a header with several values", { headers: { "X-Two": ["a", "b"] } }, "headers.X-Two"],
    ["another envelope", { envelope: { from: "a@example.com", to: "other@example.org" } }, "envelope.to"],
    ["our field beside theirs", { tags: ["welcome"] }, "tags"],
    ["a posthorn that is none", { posthorn: "tags" }, "posthorn"],
    ["a URL", { attachments: [{ href: "https://example.com/a.pdf" }] }, "attachments[0].href"],
    // Nodemailer has moved it to `href` by then.
    ["a URL as a path", { attachments: [{ path: "https://example.com/a.pdf" }] }, "attachments[0].href"],
    ["html from a URL", { html: { href: "https://example.com/a.html" } }, "html.href"],
    [
      "a file where files are off",
      { disableFileAccess: true, attachments: [{ path: "/etc/passwd" }] },
      "attachments[0].path",
    ],
    ["a raw attachment", { attachments: [{ raw: "Content-Type: x" }] }, "attachments[0].raw"],
  ])("refuses by name: %s", async (_, options, field) => {
    const { backend, transporter } = setUp();
    const error = await failure<PosthornTransportError>(transporter.sendMail({ ...mail, ...options }));
    expect(error).toBeInstanceOf(PosthornTransportError);
    expect(error).toMatchObject({ code: "EMESSAGE", delivery: "not-sent", field });
    expect(backend.outbox).toEqual([]);
  });

  it("fetches URLs only where that is allowed", async () => {
    const server = createServer((_, response) => response.end("fetched"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const { backend, transporter } = setUp({ allowUrls: true });
    await transporter.sendMail({
      ...mail,
      attachments: [{ filename: "u.txt", href: `http://127.0.0.1:${port}/` }],
    });
    expect(content(backend)).toBe("fetched");
    await new Promise((resolve) => server.close(resolve));
  });

  it("lets no line break into a header or a name", async () => {
    const { backend, transporter } = setUp();
    const evil = "x\r\nBcc: victim@example.org";
    for (const options of [
      { subject: evil },
      { headers: { "X-A": evil } },
      { headers: { "X-A": { prepared: true, value: evil } } },
      { messageId: evil },
      { xMailer: evil },
      { attachments: [{ filename: evil, content: "" }] },
      { icalEvent: { method: evil, content: "x" } },
    ]) {
      const sent = await transporter.sendMail({ ...mail, ...options }).then(
        () => true,
        () => false,
      );
      // Nodemailer itself may clean a value; what comes through holds no line break.
      if (sent) expect(JSON.stringify(backend.outbox.at(-1)?.normalized)).not.toMatch(/\\r|\\n/);
    }
    expect(backend.outbox.every(({ normalized }) => normalized.bcc.length === 0)).toBe(true);
  });

  it("sends an event as a file, and says so, where the provider has no alternatives", async () => {
    const warn = vi.fn();
    const backend = memory();
    const limited = Object.create(backend, {
      features: { value: { ...backend.features, alternatives: false } },
    }) as Backend;
    const transporter = createTransport(posthornTransport(limited, { warn }));
    await transporter.sendMail({ ...mail, icalEvent: "BEGIN:VCALENDAR" });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('"icalEvent"'));
    expect(last(backend)["attachments"]).toMatchObject([
      { filename: "invite.ics", contentType: "text/calendar; method=PUBLISH" },
    ]);
  });

  it("gives errors Nodemailer's codes, and keeps what is known of the message", async () => {
    const { backend, transporter } = setUp();
    const at = { status: 401, headers: {}, body: "no" };
    const cases: [PosthornError, string][] = [
      [new ApiError("no", { ...at, provider: "X" }), "EAUTH"],
      [new ApiError("no", { ...at, status: 422 }), "EMESSAGE"],
      [new ConfigurationError("no"), "ECONFIG"],
      [new TransportError("no", { phase: "connect", code: "ECONNREFUSED", retryable: true }), "ECONNECTION"],
      [new TransportError("no", { phase: "read", delivery: "unknown" }), "ESOCKET"],
      [new TransportError("no", { phase: "read", code: "TIMEOUT", delivery: "unknown" }), "ETIMEDOUT"],
      [new TransportError("no", { phase: "other", code: "CERT_HAS_EXPIRED" }), "ETLS"],
    ];
    for (const [cause, code] of cases) {
      backend.failNext(cause);
      const error = await failure<PosthornTransportError>(transporter.sendMail(mail));
      expect(error).toMatchObject({
        code,
        command: "API",
        delivery: cause.delivery,
        retryable: cause.retryable,
        cause,
      });
    }
  });

  it("verifies, closes, and sends the same message object twice", async () => {
    const { backend, transporter } = setUp();
    expect(await transporter.verify()).toBe(true);
    const reused = { ...mail, attachments: [{ filename: "a.txt", content: "x" }] };
    await transporter.sendMail(reused);
    await transporter.sendMail(reused);
    expect(reused.attachments[0]).toMatchObject({ content: "x" });
    expect(backend.outbox).toHaveLength(2);
    transporter.close();
  });

  it("works with a provider over HTTP, abort and all", async () => {
    const server = await startFaultServer({
      respond: () => ({
        kind: "answer",
        body: '[{"email":"grace@example.org","status":"rejected","_id":"m1"},{"email":"b@example.org","status":"sent","_id":"m2"}]',
      }),
    });
    const transporter = createTransport(
      posthornTransport(mandrill({ apiKey: "made-up-key", apiUrl: server.url, retry: false })),
    );
    const info = await transporter.sendMail({ ...mail, to: ["grace@example.org", "b@example.org"] });
    expect(info).toMatchObject({
      accepted: ["b@example.org"],
      rejected: ["grace@example.org"],
      response: "mixed by Mandrill",
    });
    server.script({ kind: "stall-before-headers" });
    const controller = new AbortController();
    const sending = failure(transporter.sendMail({ ...mail, signal: controller.signal }));
    while (server.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    expect(await sending).toMatchObject({ code: "EABORT", delivery: "unknown" });
    await server.close();
  });
});

it("fits Nodemailer's own types", () => {
  const transporter = nodemailer.createTransport(posthornTransport(memory()), { from: "ada@example.com" });
  expect(transporter.transporter.name).toBe("Posthorn (Memory)");
});
