import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { postal } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof postal>[0]> = {}) =>
  postal({ apiKey: "made-up", apiUrl: server.url, ...more });
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

describe("postal", () => {
  it("reads errors in answers of 200 as not sent", async () => {
    answer({
      status: "error",
      data: { code: "UnauthenticatedFromAddress", message: "The From address is not authorised" },
    });
    const error = await failure(create().send(mail));
    expect(error).toMatchObject({
      name: "ApiError",
      code: "UnauthenticatedFromAddress",
      delivery: "not-sent",
    });
  });

  it("shows the recipients of a batch to nobody, even when its data are dropped", async () => {
    for (const id of [1, 2])
      answer({ status: "success", data: { messages: { [`r${id}@example.org`]: { id } } } });
    const batch = { ...mail, to: ["r1@example.org", "r2@example.org"], mergeData: {} };
    const result = await create({ unsupported: "drop" }).send(batch as never);
    expect([sent(0).to, sent(1).to]).toEqual([["r1@example.org"], ["r2@example.org"]]);
    expect(result.recipients["r2@example.org"]).toEqual({ status: "queued", messageId: 2 });
  });

  it("reads the errors that only have a message, or not even that", async () => {
    answer({ status: "parameter-error", data: { message: "`to` parameter is required but is missing" } });
    expect(String(await failure(create().send(mail)))).toContain("`to` parameter is required");
    answer({ status: "error", data: {} });
    expect(String(await failure(create().send(mail)))).toContain("answered with the status error");
    answer({ status: "internal-server-error" });
    expect(await failure(create().send(mail))).toMatchObject({ name: "ApiError", delivery: "unknown" });
  });

  it("keeps addresses as they were written, whatever the answer makes of their case", async () => {
    answer({ status: "success", data: { messages: { "grace@example.org": { id: 1 } } } });
    const result = await create().send({ ...mail, to: ["Grace@Example.org"] });
    expect(result.recipients).toEqual({ "Grace@Example.org": { status: "queued", messageId: 1 } });
  });
});
