import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mailtrap } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof mailtrap>[0]> = {}) =>
  mailtrap({ apiToken: "made-up", apiUrl: server.url, ...more });
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

describe("mailtrap", () => {
  it("sends to a sandbox", async () => {
    answer({ success: true, message_ids: ["one"] });
    const result = await create({ sandboxId: 7 }).send({ ...mail, cc: ["c@example.org"] });
    expect(server.requests[0]?.path).toBe("/send/7");
    expect(Object.values(result.recipients).map(({ messageId }) => messageId)).toEqual(["one", "one"]);
    const [live] = await create({ sandboxId: 7, apiUrl: undefined }).dryRun(mail);
    expect(live?.url).toBe("https://sandbox.api.mailtrap.io/api/send/7");
  });

  it("tells which mails of a batch failed, and explains errors", async () => {
    answer({
      success: true,
      responses: [
        { success: true, message_ids: ["1"] },
        { success: false, errors: ["no"] },
      ],
    });
    const result = await create().send({ ...mail, to: ["a@example.org", "b@example.org"], mergeData: {} });
    expect(result.recipients["b@example.org"]).toEqual({ status: "failed", messageId: null });
    answer({ success: false, errors: ["'to' is required"] }, 400);
    expect(String(await failure(create().send(mail)))).toContain("'to' is required");
  });
});
