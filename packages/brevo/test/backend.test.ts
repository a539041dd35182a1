import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { brevo } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof brevo>[0]> = {}) =>
  brevo({ apiKey: "made-up", apiUrl: server.url, ...more });
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

describe("brevo", () => {
  it("derives a UUID from a key that is none, the same each time", async () => {
    for (let index = 0; index < 2; index++) {
      answer({ messageId: "<1@x>" }, 201);
      await create().send({ ...mail, idempotencyKey: "order-42" });
    }
    const keys = [sent(0), sent(1)].map((body) => body.headers.idempotencyKey);
    expect(keys[0]).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(keys[1]).toBe(keys[0]);
  });

  it("explains errors", async () => {
    answer({ code: "invalid_parameter", message: "sender is not valid" }, 400);
    expect(await failure(create().send(mail))).toMatchObject({
      code: "invalid_parameter",
      delivery: "not-sent",
    });
  });
});
