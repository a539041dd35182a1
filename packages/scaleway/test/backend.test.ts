import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { scaleway } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof scaleway>[0]> = {}) =>
  scaleway({ secretKey: "made-up", projectId: "p1", apiUrl: server.url, ...more });
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

describe("scaleway", () => {
  it("sends in another region, and reads each email's status", async () => {
    answer({ emails: [{ id: "1", mail_rcpt: "grace@example.org", status: "failed" }] });
    const result = await create({ region: "nl-ams" }).send(mail);
    expect(server.requests[0]?.path).toBe("/regions/nl-ams/emails");
    expect(result.recipients).toEqual({ "grace@example.org": { status: "failed", messageId: "1" } });
  });

  it("explains errors", async () => {
    answer(
      {
        type: "invalid_arguments",
        message: "invalid argument(s)",
        details: [{ argument_name: "from.email", reason: "constraint" }],
      },
      400,
    );
    const error = await failure(create().send(mail));
    expect(error).toMatchObject({ code: "invalid_arguments" });
    expect(String(error)).toContain("from.email: constraint");
  });
});
