import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { resend } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof resend>[0]> = {}) =>
  resend({ apiKey: "made-up", apiUrl: server.url, ...more });
const mail = { from: "Ada <ada@example.com>", to: ["grace@example.org"], subject: "Hello", text: "Hi" };
const answer = (body: unknown, status = 200, headers: Record<string, string> = {}): void =>
  server.script({
    kind: "answer",
    status,
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("resend", () => {
  it("splits batches at 100 mails, each request with a key of its own", async () => {
    const to = Array.from({ length: 101 }, (_, index) => `r${index}@example.org`);
    answer({ data: to.slice(0, 100).map((_, index) => ({ id: `id${index}` })) });
    answer({ data: [{ id: "last" }] });
    const result = await create().send({ ...mail, to, mergeMetadata: {}, idempotencyKey: "batch-1" });
    expect(server.requests.map(({ headers }) => headers["idempotency-key"])).toEqual([
      "batch-1/0",
      "batch-1/1",
    ]);
    expect(result.recipients["r100@example.org"]?.messageId).toBe("last");
    expect(result.idempotencyKey).toBe("batch-1");
  });

  it("sends a batch with files as one request for each recipient, each with a key of its own", async () => {
    const batch = {
      ...mail,
      to: ["a@example.org", "b@example.org"],
      mergeMetadata: { "a@example.org": { id: 1 } },
      attachments: [{ filename: "a.txt", content: "x" }],
      idempotencyKey: "batch-1",
    };
    answer({ id: "1" });
    answer({ id: "2" });
    const { recipients } = await create().send(batch);
    expect(recipients).toEqual({
      "a@example.org": { status: "queued", messageId: "1" },
      "b@example.org": { status: "queued", messageId: "2" },
    });
    expect(server.requests.map(({ path }) => path)).toEqual(["/emails", "/emails"]);
    expect(new Set(server.requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(2);
    expect(await failure(create({ batch: "native" }).send(batch))).toMatchObject({
      name: "UnsupportedFeatureError",
    });
  });

  it("explains errors", async () => {
    answer(
      { statusCode: 429, name: "daily_quota_exceeded", message: "You have reached your daily quota." },
      429,
    );
    const error = await failure(create().send(mail));
    expect(error).toMatchObject({ code: "daily_quota_exceeded", retryable: false });
    expect(server.requests).toHaveLength(1);
  });

  it("waits for an earlier request with the same key, and asks again with that key", async () => {
    const busy = { statusCode: 409, name: "concurrent_idempotent_requests", message: "in progress" };
    answer(busy, 409);
    answer({ id: "r1" });
    const retry = { total: 3, backoffFactor: 0 };
    const result = await create({ retry }).send({ ...mail, idempotencyKey: "order-17" });
    expect(result.messageId).toBe("r1");
    expect(server.requests.map(({ headers }) => headers["idempotency-key"])).toEqual([
      "order-17",
      "order-17",
    ]);
    answer(busy, 409);
    const error = await failure(create({ retry: false }).send({ ...mail, idempotencyKey: "order-17" }));
    expect(error).toMatchObject({ delivery: "unknown", retryable: true, code: busy.name });
  });

  it("takes a key that sent another message for one that was accepted", async () => {
    answer({ statusCode: 409, name: "invalid_idempotent_request", message: "another payload" }, 409);
    const error = await failure(create().send({ ...mail, idempotencyKey: "order-17" }));
    expect(error).toMatchObject({ delivery: "accepted", retryable: false });
    expect(server.requests).toHaveLength(1);
  });

  it("schedules the messages of a batch", async () => {
    const [request] = await create().dryRun({ ...mail, mergeMetadata: {}, sendAt: "2026-12-24T10:00:00Z" });
    expect(JSON.parse(String(request?.body))).toMatchObject([{ scheduled_at: "2026-12-24T10:00:00+00:00" }]);
  });

  it("leaves the sender to a template, and has files to fetch beside the message's own", async () => {
    const [request] = await create().dryRun({
      to: mail.to,
      templateId: "welcome",
      mergeGlobalData: {},
      attachments: [{ filename: "a.txt", content: "x" }],
      espExtra: { attachments: [{ filename: "b.pdf", path: "https://example.com/b.pdf" }] },
    });
    expect(JSON.parse(String(request?.body))).toEqual({
      to: ["grace@example.org"],
      template: { id: "welcome" },
      attachments: [
        { filename: "a.txt", content: "eA==", content_type: "text/plain" },
        { filename: "b.pdf", path: "https://example.com/b.pdf" },
      ],
    });
  });

  it("sends keys that a header can hold, of up to 256 characters", async () => {
    const keys: unknown[] = [];
    for (const idempotencyKey of ["注文-17", "k".repeat(257), "k".repeat(256), "étage"]) {
      const [request] = await create().dryRun({ ...mail, idempotencyKey });
      keys.push(request?.headers["idempotency-key"]);
    }
    const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
    expect(keys).toEqual([
      expect.stringMatching(uuid),
      expect.stringMatching(uuid),
      "k".repeat(256),
      "étage",
    ]);
    const to = Array.from({ length: 101 }, (_, index) => `r${index}@example.org`);
    const batch = { ...mail, to, mergeMetadata: {}, idempotencyKey: "k".repeat(255) };
    const requests = await create().dryRun(batch);
    for (const { headers } of requests) expect(headers["idempotency-key"]).toMatch(uuid);
    expect(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(2);
  });

  it("gives ids to the messages that a permissive batch has sent, and reasons to the others", async () => {
    answer({ data: [{ id: "1" }, { id: "3" }], errors: [{ index: 1, message: "`to` is not valid" }] });
    const to = ["a@example.org", "b@localhost", "c@example.org"];
    const backend = create({ batchValidation: "permissive" });
    const { recipients } = await backend.send({ ...mail, to, mergeMetadata: {} });
    expect(server.requests[0]?.headers["x-batch-validation"]).toBe("permissive");
    expect(recipients).toEqual({
      "a@example.org": { status: "queued", messageId: "1" },
      "b@localhost": {
        status: "failed",
        messageId: null,
        reason: { message: "`to` is not valid", retryable: false },
      },
      "c@example.org": { status: "queued", messageId: "3" },
    });
  });
});

describe("the whole request", () => {
  it("of a message with everything", async () => {
    const [request] = await create({ apiUrl: undefined }).dryRun({
      from: '"Ada, Ltd" <ada@example.com>',
      to: ["Grace <grace@example.org>", "linus@example.org"],
      cc: ["Copy <copy@example.org>"],
      bcc: ["archive@example.com"],
      replyTo: ["Help <help@example.com>", "sales@example.com"],
      subject: "Kůň",
      text: "Hello",
      html: '<p>Hello <img src="cid:logo@example.com"></p>',
      headers: { "X-Own": "1", "List-Unsubscribe": "<https://example.com/u>" },
      attachments: [
        { filename: "účet.csv", content: "a;b", charset: "utf-8" },
        { filename: "logo.png", content: new Uint8Array([137]), contentId: "logo@example.com" },
      ],
      metadata: { user: 42, plan: "pro" },
      tags: ["welcome", "new"],
      sendAt: "2026-12-24T10:00:00+01:00",
      idempotencyKey: "order-17",
    });
    const { method, url, headers, body } = request ?? {};
    expect({ method, url, headers, body: JSON.parse(String(body)) }).toMatchInlineSnapshot(`
      {
        "body": {
          "attachments": [
            {
              "content": "YTti",
              "content_type": "text/csv; charset="utf-8"",
              "filename": "účet.csv",
            },
            {
              "content": "iQ==",
              "content_id": "logo@example.com",
              "content_type": "image/png",
              "filename": "logo.png",
            },
          ],
          "bcc": [
            "archive@example.com",
          ],
          "cc": [
            "Copy <copy@example.org>",
          ],
          "from": ""Ada, Ltd" <ada@example.com>",
          "headers": {
            "List-Unsubscribe": "<https://example.com/u>",
            "X-Metadata": "{"user":42,"plan":"pro"}",
            "X-Own": "1",
            "X-Tags": "["welcome","new"]",
          },
          "html": "<p>Hello <img src="cid:logo@example.com"></p>",
          "reply_to": [
            "Help <help@example.com>",
            "sales@example.com",
          ],
          "scheduled_at": "2026-12-24T10:00:00+01:00",
          "subject": "Kůň",
          "text": "Hello",
          "to": [
            "Grace <grace@example.org>",
            "linus@example.org",
          ],
        },
        "headers": {
          "accept": "application/json",
          "authorization": "[redacted]",
          "content-type": "application/json",
          "idempotency-key": "order-17",
        },
        "method": "POST",
        "url": "https://api.resend.com/emails",
      }
    `);
  });
});

it("names the field that the caller gave, when a batch with files is split", async () => {
  const batch = {
    from: "ada@example.com",
    to: ["grace@example.org"],
    text: "Hi",
    mergeData: { "grace@example.org": { name: "Grace" } },
    attachments: [{ filename: "a.txt", content: "a" }],
  };
  await expect(resend({ apiKey: "made-up" }).dryRun(batch)).rejects.toMatchObject({
    name: "UnsupportedFeatureError",
    field: "mergeData",
  });
});
