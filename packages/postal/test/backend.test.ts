import type { DryRunRequest } from "@posthorn/core";
import { systemClock } from "@posthorn/core/provider";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { postal } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof postal>[0]> = {}) =>
  postal({ apiKey: "made-up", apiUrl: server.url, ...more });
const mail = { from: "Ada <ada@example.com>", to: ["grace@example.org"], subject: "Hello", text: "Hi" };
const answer = (body: unknown, status = 200, headers: Record<string, string> = {}): void =>
  server.script({
    kind: "answer",
    status,
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const sent = (index = 0) => JSON.parse(server.requests[index]?.body.toString() ?? "null");
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
/** The parts of a request that go over the wire. */
const shown = ({ method, url, headers, body } = {} as Partial<DryRunRequest>) => ({
  method,
  url,
  headers,
  body: JSON.parse(String(body)),
});

describe("postal", () => {
  it("reads errors in answers of 200 as not sent", async () => {
    answer({
      status: "error",
      data: { code: "UnauthenticatedFromAddress", message: "The From address is not authorised" },
    });
    const error = await failure(create().send(mail));
    expect(error).toMatchObject({
      name: "ApiError",
      code: "UnauthenticatedFromAddress",
      delivery: "not-sent",
    });
  });

  it("shows the recipients of a batch to nobody, even when its data are dropped", async () => {
    for (const id of [1, 2])
      answer({ status: "success", data: { messages: { [`r${id}@example.org`]: { id } } } });
    const batch = { ...mail, to: ["r1@example.org", "r2@example.org"], mergeData: {} };
    const result = await create({ unsupported: "drop" }).send(batch as never);
    expect([sent(0).to, sent(1).to]).toEqual([["r1@example.org"], ["r2@example.org"]]);
    expect(result.recipients["r2@example.org"]).toEqual({ status: "queued", messageId: 2 });
  });

  it("reads the errors that only have a message, or not even that", async () => {
    answer({ status: "parameter-error", data: { message: "`to` parameter is required but is missing" } });
    expect(String(await failure(create().send(mail)))).toContain("`to` parameter is required");
    answer({ status: "error", data: {} });
    expect(String(await failure(create().send(mail)))).toContain("answered with the status error");
    answer({ status: "internal-server-error" });
    expect(await failure(create().send(mail))).toMatchObject({ name: "ApiError", delivery: "unknown" });
  });

  const raw = (index = 0) => {
    const { path, body } = server.requests[index] ?? {};
    const { data, ...rest } = JSON.parse(body?.toString() ?? "null");
    return { path, ...rest, mime: Buffer.from(data ?? "", "base64").toString() };
  };
  const success = { status: "success", data: { messages: { "grace@example.org": { id: 1 } } } };

  it("sends what send/message has no field for as it is, by send/raw", async () => {
    const parts = [
      [{ envelopeSender: "bounces@example.com" }, "From: Ada <ada@example.com>\r\n"],
      [{ html: "<p>", amp: "<html amp4email>" }, "Content-Type: text/x-amp-html; charset=utf-8\r\n"],
      [
        { alternatives: [{ content: "{}", contentType: "application/json" }] },
        "Content-Type: application/json",
      ],
      [{ replyTo: ["a@example.com", "b@example.com"] }, "Reply-To: a@example.com, b@example.com\r\n"],
      [
        {
          html: "<img src=cid:logo>",
          attachments: [{ content: "x", contentType: "image/png", contentId: "logo" }],
        },
        "Content-ID: <logo>\r\n",
      ],
    ] as const;
    for (const [index, [fields, line]] of parts.entries()) {
      answer(success);
      const result = await create().send({ ...mail, ...fields });
      expect(result.recipients).toEqual({ "grace@example.org": { status: "queued", messageId: 1 } });
      expect(raw(index)).toMatchObject({ path: "/api/v1/send/raw", rcpt_to: ["grace@example.org"] });
      expect(raw(index).mime.replace(/\r\n(?=[ \t])/g, "")).toContain(line);
    }
    expect(parts.map((_, index) => raw(index).mail_from)).toEqual([
      "bounces@example.com",
      ...Array(4).fill("ada@example.com"),
    ]);
  });

  it("makes a whole message for send/raw, without its bcc recipients", async () => {
    answer(success);
    const clock = { ...systemClock, now: () => Date.UTC(2030, 0, 2, 3, 4, 5) };
    await create({ clock }).send({
      ...mail,
      cc: ["c@example.org"],
      bcc: ["hidden@example.org"],
      envelopeSender: "bounces@example.com",
      tags: "welcome",
      headers: { "X-Own": 1 },
      espExtra: { bounce: true },
    });
    const { mime, ...rest } = raw();
    expect(rest).toEqual({
      path: "/api/v1/send/raw",
      mail_from: "bounces@example.com",
      rcpt_to: ["grace@example.org", "c@example.org", "hidden@example.org"],
      bounce: true,
    });
    for (const line of [
      "Date: Wed, 02 Jan 2030 03:04:05 +0000",
      "X-Postal-Tag: welcome",
      "X-Own: 1",
      "To: grace@example.org",
      "Cc: c@example.org",
      "Subject: Hello",
    ])
      expect(mime).toContain(`${line}\r\n`);
    expect(mime).toMatch(/^Message-ID: <[^<>@]+@example\.com>\r$/m);
    expect(mime).not.toContain("hidden");
  });

  it("reports a Message-ID, which Postal overwrites, but keeps it in a raw message", async () => {
    const headers = { "Message-Id": "<own@example.com>" };
    expect(await failure(create().send({ ...mail, headers }))).toMatchObject({
      name: "UnsupportedFeatureError",
      field: "headers",
    });
    answer(success);
    await create({ unsupported: "drop" }).send({ ...mail, headers });
    expect(sent()).not.toHaveProperty("headers");
    answer(success);
    await create().send({ ...mail, headers, envelopeSender: "bounces@example.com" });
    expect(raw(1).mime.match(/^message-id: .*$/gim)).toEqual(["Message-Id: <own@example.com>"]);
  });

  it("gives each recipient of a batch their own headers", async () => {
    for (const id of [1, 2])
      answer({ status: "success", data: { messages: { [`r${id}@example.org`]: { id } } } });
    const to = ["r1@example.org", "r2@example.org"];
    const mergeHeaders = { "r2@example.org": { "X-Id": "2" } };
    await create().send({ ...mail, to, headers: { "X-Id": "0" }, mergeHeaders });
    expect([sent(0), sent(1)].map(({ to, headers }) => [to, headers])).toEqual([
      [["r1@example.org"], { "X-Id": "0" }],
      [["r2@example.org"], { "X-Id": "2" }],
    ]);
  });

  it("makes this request of a full message", async () => {
    const full = {
      from: "Ada <ada@example.com>",
      to: ["Grace <grace@example.org>"],
      cc: ["c@example.org"],
      bcc: ["b@example.org"],
      replyTo: "reply@example.com",
      subject: "Hello",
      text: "Hi",
      html: "<p>Hi</p>",
      headers: { "X-Own": "1" },
      attachments: [{ filename: "a.txt", content: "a" }],
      tags: "welcome",
    };
    const [request] = await create({ apiUrl: "https://postal.example.com" }).dryRun(full);
    expect(shown(request)).toMatchInlineSnapshot(`
      {
        "body": {
          "attachments": [
            {
              "content_type": "text/plain",
              "data": "YQ==",
              "name": "a.txt",
            },
          ],
          "bcc": [
            "b@example.org",
          ],
          "cc": [
            "c@example.org",
          ],
          "from": "Ada <ada@example.com>",
          "headers": {
            "X-Own": "1",
          },
          "html_body": "<p>Hi</p>",
          "plain_body": "Hi",
          "reply_to": "reply@example.com",
          "subject": "Hello",
          "tag": "welcome",
          "to": [
            "Grace <grace@example.org>",
          ],
        },
        "headers": {
          "accept": "application/json",
          "content-type": "application/json",
          "x-server-api-key": "[redacted]",
        },
        "method": "POST",
        "url": "https://postal.example.com/api/v1/send/message",
      }
    `);
  });

  it("keeps addresses as they were written, whatever the answer makes of their case", async () => {
    answer({ status: "success", data: { messages: { "grace@example.org": { id: 1 } } } });
    const result = await create().send({ ...mail, to: ["Grace@Example.org"] });
    expect(result.recipients).toEqual({ "Grace@Example.org": { status: "queued", messageId: 1 } });
  });
});
