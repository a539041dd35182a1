import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mailjet } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof mailjet>[0]> = {}) =>
  mailjet({ apiKey: "made-up", secretKey: "made-up-too", apiUrl: server.url, ...more });
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

describe("mailjet", () => {
  it("keeps message ids exact, and tells of those that failed", async () => {
    answer(
      '{"Messages":[{"Status":"success","To":[{"Email":"A@example.org","MessageID":70650219165027411}]},{"Status":"error","Errors":[]}]}',
    );
    const result = await create().send({ ...mail, to: ["a@example.org", "b@example.org"], mergeData: {} });
    expect(result.recipients).toEqual({
      "a@example.org": { status: "sent", messageId: "70650219165027411" },
      "b@example.org": { status: "failed", messageId: null },
    });
  });

  it("splits batches at 50 messages, and explains errors by message", async () => {
    const to = Array.from({ length: 51 }, (_, index) => `r${index}@example.org`);
    answer({ Messages: [] });
    answer({ Messages: [] });
    await create({ ignoreRecipientStatus: true }).send({
      ...mail,
      to,
      mergeMetadata: { "r50@example.org": { n: 1 } },
    });
    expect(sent(1).Messages).toEqual([{ To: [{ Email: "r50@example.org" }], EventPayload: '{"n":1}' }]);
    answer(
      {
        Messages: [
          { Status: "error", Errors: [{ ErrorCode: "mj-0013", ErrorMessage: "not a valid email" }] },
        ],
      },
      400,
    );
    expect(await failure(create().send(mail))).toMatchObject({ code: "mj-0013" });
  });
});
