import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sparkpost } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof sparkpost>[0]> = {}) =>
  sparkpost({ apiKey: "made-up", apiUrl: server.url, ...more });
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

describe("sparkpost", () => {
  it("sends as a subaccount, and gives copies of a batch to cc", async () => {
    answer({ results: { id: "1", total_accepted_recipients: 4, total_rejected_recipients: 0 } });
    const result = await create({ subaccount: 12 }).send({
      ...mail,
      to: ["a@example.org", "b@example.org"],
      cc: ["c@example.org"],
      mergeData: { "b@example.org": { n: 2 } },
    });
    expect(server.requests[0]?.headers["x-msys-subaccount"]).toBe("12");
    expect(
      sent().recipients.map((one: { address: object; substitution_data?: object }) => [
        one.address,
        one.substitution_data,
      ]),
    ).toEqual([
      [{ email: "a@example.org", header_to: "a@example.org" }, undefined],
      [{ email: "c@example.org", header_to: "a@example.org" }, undefined],
      [{ email: "b@example.org", header_to: "b@example.org" }, { n: 2 }],
      [{ email: "c@example.org", header_to: "b@example.org" }, { n: 2 }],
    ]);
    expect(result.status).toBe("queued");
  });

  it("throws when every recipient is rejected, and explains errors", async () => {
    answer({ results: { id: "1", total_accepted_recipients: 0, total_rejected_recipients: 1 } });
    expect(await failure(create().send(mail))).toMatchObject({ name: "RecipientsRefusedError" });
    answer(
      { errors: [{ message: "invalid data", description: "domain is not verified", code: "1300" }] },
      400,
    );
    expect(await failure(create().send(mail))).toMatchObject({ code: "1300" });
  });
});
