import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { unisenderGo } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof unisenderGo>[0]> = {}) =>
  unisenderGo({ apiKey: "made-up", apiUrl: server.url, ...more });
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

describe("unisender-go", () => {
  it("gives the job's id to all when told to make none", async () => {
    answer({ status: "success", job_id: "j1", emails: ["grace@example.org"] });
    const result = await create({ generateMessageId: false }).send(mail);
    expect(result.recipients["grace@example.org"]).toEqual({ status: "queued", messageId: "j1" });
    expect(sent().message.recipients).toEqual([{ email: "grace@example.org" }]);
  });

  it("splits at 500 recipients, each request with a key of its own, and merges headers by substitution", async () => {
    const to = Array.from({ length: 501 }, (_, index) => `r${index}@example.org`);
    answer({ status: "success", job_id: "j1", emails: to.slice(0, 500) });
    answer({ status: "success", job_id: "j2", emails: to.slice(500) });
    await create().send({
      ...mail,
      to,
      headers: { "List-Unsubscribe": "<https://example.com/all>" },
      mergeHeaders: { "r500@example.org": { "List-Unsubscribe": "<https://example.com/own>" } },
      idempotencyKey: "k",
    });
    expect([sent(0), sent(1)].map(({ message }) => message.idempotence_key)).toEqual(["k/0", "k/1"]);
    expect(sent(1).message.headers).toEqual({ "List-Unsubscribe": "{{Header__List_Unsubscribe}}" });
    expect(sent(1).message.recipients[0].substitutions).toEqual({
      Header__List_Unsubscribe: "<https://example.com/own>",
    });
    expect(sent(0).message.global_substitutions).toEqual({
      Header__List_Unsubscribe: "<https://example.com/all>",
    });
    expect(sent(0).message.recipients[0].substitutions).toBeUndefined();
  });

  it("refuses what Unisender Go would garble, and shortens long keys", async () => {
    const batch = { ...mail, mergeData: {} };
    await expect(create().send({ ...batch, cc: ["c@example.org"] })).rejects.toMatchObject({ field: "cc" });
    await expect(
      create().send({ ...mail, mergeHeaders: { "grace@example.org": { "X-A": "1" } } }),
    ).rejects.toMatchObject({ field: "mergeHeaders" });
    answer({ status: "success", job_id: "j1", emails: ["grace@example.org"] });
    await create().send({
      ...mail,
      to: ['"Hopper, Grace" <grace@example.org>'],
      idempotencyKey: "k".repeat(65),
    });
    expect(sent().message.idempotence_key).toHaveLength(36);
    expect(sent().message.headers.to).toBe("=?utf-8?b?SG9wcGVyLCBHcmFjZQ==?= <grace@example.org>");
  });

  it("needs the URL of a data center", async () => {
    await expect(create({ apiUrl: undefined }).ready()).rejects.toThrow('option "apiUrl" is required');
  });

  it("takes the key of a message just sent for one that was accepted", async () => {
    answer({ status: "error", code: 1573, message: "Duplicate idempotence_key" }, 400);
    const error = await failure(create().send({ ...mail, idempotencyKey: "order-17" }));
    expect(error).toMatchObject({ delivery: "accepted", retryable: false, code: 1573 });
  });

  it("refuses headers that Unisender Go would ignore, and copies in a batch", async () => {
    const headers = { "Auto-Submitted": "auto-generated", "X-Own": "1" };
    expect(await failure(create().send({ ...mail, headers }))).toMatchObject({ field: "headers" });
    const batch = { ...mail, headers, cc: ["copy@example.org"], mergeData: {} };
    const [request] = await create({ unsupported: "drop" }).dryRun(batch);
    const { message } = JSON.parse(String(request?.body)) as { message: Record<string, unknown> };
    expect(message["headers"]).toEqual({ "X-Own": "1" });
    expect(message["recipients"]).toMatchObject([{ email: "grace@example.org" }]);
  });

  it("writes metadata as strings", async () => {
    const [request] = await create({ generateMessageId: false }).dryRun({
      ...mail,
      metadata: { id: 1, nested: { a: true } },
      mergeMetadata: { "grace@example.org": { n: 2 } },
    });
    const { message } = JSON.parse(String(request?.body)) as { message: Record<string, unknown> };
    expect(message["global_metadata"]).toEqual({ id: "1", nested: '{"a":true}' });
    expect(message["recipients"]).toEqual([{ email: "grace@example.org", metadata: { n: "2" } }]);
  });

  it("makes the same ids at each try with the same key, and says why a recipient gets nothing", async () => {
    const bodies = [1, 2, 3].map(async (number) => {
      const idempotencyKey = number < 3 ? "order-17" : "order-18";
      const [request] = await create().dryRun({ ...mail, idempotencyKey });
      return JSON.stringify(JSON.parse(String(request?.body)).message.recipients);
    });
    const [first, second, third] = await Promise.all(bodies);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    const failed_emails = { "b@example.org": "temporary_unavailable" };
    answer({ status: "success", job_id: "j", emails: ["grace@example.org"], failed_emails });
    const { recipients } = await create().send({ ...mail, to: ["grace@example.org", "b@example.org"] });
    expect(recipients["b@example.org"]).toEqual({
      status: "failed",
      messageId: null,
      reason: { code: "temporary_unavailable", message: "temporary_unavailable", retryable: true },
    });
  });
});

describe("the whole request", () => {
  it("of a message with everything", async () => {
    const [request] = await create().dryRun({
      from: '"Ada, Ltd" <ada@example.com>',
      to: ["Grace <grace@example.org>", "linus@example.org"],
      cc: ["Copy <copy@example.org>"],
      bcc: ["archive@example.com"],
      replyTo: ["Help <help@example.com>"],
      subject: "Kůň",
      text: "Hello",
      html: '<p>Hello <img src="cid:logo@example.com"></p>',
      amp: "<!doctype html><html amp4email></html>",
      headers: { "X-Own": "1", "List-Unsubscribe": "<https://example.com/u>" },
      attachments: [
        { filename: "účet.csv", content: "a;b", charset: "utf-8" },
        { filename: "logo.png", content: new Uint8Array([137]), contentId: "logo@example.com" },
      ],
      metadata: { user: 42, plan: "pro" },
      tags: ["welcome", "new"],
      trackOpens: true,
      trackClicks: false,
      sendAt: "2026-12-24T10:00:00+01:00",
      idempotencyKey: "order-17",
    });
    const { method, url, headers, body } = request ?? {};
    expect({
      method,
      url: new URL(url ?? "").pathname,
      headers,
      body: JSON.parse(String(body).replace(/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, '"an id"')),
    }).toMatchInlineSnapshot(`
      {
        "body": {
          "message": {
            "attachments": [
              {
                "content": "YTti",
                "name": "účet.csv",
                "type": "text/csv; charset="utf-8"",
              },
            ],
            "body": {
              "amp": "<!doctype html><html amp4email></html>",
              "html": "<p>Hello <img src="cid:logo@example.com"></p>",
              "plaintext": "Hello",
            },
            "from_email": "ada@example.com",
            "from_name": "Ada, Ltd",
            "global_metadata": {
              "plan": "pro",
              "user": "42",
            },
            "headers": {
              "List-Unsubscribe": "<https://example.com/u>",
              "X-Own": "1",
              "cc": "Copy <copy@example.org>",
              "to": "Grace <grace@example.org>, linus@example.org",
            },
            "idempotence_key": "order-17",
            "inline_attachments": [
              {
                "content": "iQ==",
                "name": "logo@example.com",
                "type": "image/png",
              },
            ],
            "options": {
              "send_at": "2026-12-24 09:00:00",
            },
            "recipients": [
              {
                "email": "grace@example.org",
                "metadata": {
                  "anymail_id": "an id",
                },
                "substitutions": {
                  "to_name": "Grace",
                },
              },
              {
                "email": "linus@example.org",
                "metadata": {
                  "anymail_id": "an id",
                },
              },
              {
                "email": "copy@example.org",
                "metadata": {
                  "anymail_id": "an id",
                },
                "substitutions": {
                  "to_name": "Copy",
                },
              },
              {
                "email": "archive@example.com",
                "metadata": {
                  "anymail_id": "an id",
                },
              },
            ],
            "reply_to": "help@example.com",
            "reply_to_name": "Help",
            "subject": "Kůň",
            "tags": [
              "welcome",
              "new",
            ],
            "track_links": 0,
            "track_read": 1,
          },
        },
        "headers": {
          "accept": "application/json",
          "content-type": "application/json",
          "x-api-key": "[redacted]",
        },
        "method": "POST",
        "url": "/email/send.json",
      }
    `);
  });
});
