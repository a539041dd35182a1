import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mailersend } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof mailersend>[0]> = {}) =>
  mailersend({ apiToken: "made-up", apiUrl: server.url, ...more });
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

describe("mailersend", () => {
  it("exposes the list only when told to, and bulks when told to", async () => {
    const batch = {
      ...mail,
      to: ["a@example.org", "b@example.org"],
      mergeData: { "a@example.org": { n: 1 } },
    };
    expect(await failure(create().send(batch))).toMatchObject({
      name: "UnsupportedFeatureError",
      field: "mergeData",
    });
    answer("", 202, { "x-message-id": "m1" });
    await create({ batchSendMode: "expose-to-list" }).send(batch);
    expect(sent().to).toEqual([{ email: "a@example.org" }, { email: "b@example.org" }]);
    answer({ bulk_email_id: "b1" }, 202);
    const result = await create({ batchSendMode: "use-bulk-email" }).send(batch);
    expect(server.requests[1]?.path).toBe("/bulk-email");
    expect(result.recipients["a@example.org"]).toEqual({ status: "unknown", messageId: "bulk:b1" });
  });

  it("does not call the daily quota retryable, and lists what is wrong", async () => {
    answer({ message: "Daily quota reached #MS42901" }, 429);
    expect(await failure(create({ retry: false }).send(mail))).toMatchObject({
      code: "MS42901",
      retryable: false,
    });
    answer({ message: "Invalid.", errors: { "to.0.email": ["The to.0.email must be valid."] } }, 422);
    expect(String(await failure(create().send(mail)))).toContain("The to.0.email must be valid.");
  });
});
