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

  it("refuses what the batch endpoint cannot do, and explains errors", async () => {
    const batch = { ...mail, mergeMetadata: {}, attachments: [{ filename: "a.txt", content: "x" }] };
    expect(await failure(create().send(batch))).toMatchObject({
      name: "UnsupportedFeatureError",
      field: "attachments",
    });
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
});
