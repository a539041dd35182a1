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
});
