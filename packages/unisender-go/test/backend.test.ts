import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { unisenderGo } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof unisenderGo>[0]> = {}) =>
  unisenderGo({ apiKey: "made-up", apiUrl: server.url, ...more });
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

describe("unisender-go", () => {
  it("gives the job's id to all when told to make none", async () => {
    answer({ status: "success", job_id: "j1", emails: ["grace@example.org"] });
    const result = await create({ generateMessageId: false }).send(mail);
    expect(result.recipients["grace@example.org"]).toEqual({ status: "queued", messageId: "j1" });
    expect(sent().message.recipients).toEqual([{ email: "grace@example.org" }]);
  });

  it("splits at 500 recipients, each request with a key of its own, and merges headers by substitution", async () => {
    const to = Array.from({ length: 501 }, (_, index) => `r${index}@example.org`);
    answer({ status: "success", job_id: "j1", emails: to.slice(0, 500) });
    answer({ status: "success", job_id: "j2", emails: to.slice(500) });
    await create().send({
      ...mail,
      to,
      headers: { "List-Unsubscribe": "<https://example.com/all>" },
      mergeHeaders: { "r500@example.org": { "List-Unsubscribe": "<https://example.com/own>" } },
      idempotencyKey: "k",
    });
    expect([sent(0), sent(1)].map(({ message }) => message.idempotence_key)).toEqual(["k/0", "k/1"]);
    expect(sent(1).message.headers).toEqual({ "List-Unsubscribe": "{{Header__List_Unsubscribe}}" });
    expect(sent(1).message.recipients[0].substitutions).toEqual({
      Header__List_Unsubscribe: "<https://example.com/own>",
    });
    expect(sent(0).message.global_substitutions).toEqual({
      Header__List_Unsubscribe: "<https://example.com/all>",
    });
    expect(sent(0).message.recipients[0].substitutions).toBeUndefined();
  });

  it("refuses what Unisender Go would garble, and shortens long keys", async () => {
    const batch = { ...mail, mergeData: {} };
    await expect(create().send({ ...batch, cc: ["c@example.org"] })).rejects.toMatchObject({ field: "cc" });
    await expect(
      create().send({ ...mail, mergeHeaders: { "grace@example.org": { "X-A": "1" } } }),
    ).rejects.toMatchObject({ field: "mergeHeaders" });
    answer({ status: "success", job_id: "j1", emails: ["grace@example.org"] });
    await create().send({
      ...mail,
      to: ['"Hopper, Grace" <grace@example.org>'],
      idempotencyKey: "k".repeat(65),
    });
    expect(sent().message.idempotence_key).toHaveLength(36);
    expect(sent().message.headers.to).toBe("=?utf-8?b?SG9wcGVyLCBHcmFjZQ==?= <grace@example.org>");
  });

  it("needs the URL of a data center", () => {
    expect(() => create({ apiUrl: undefined })).toThrow('option "apiUrl" is missing');
  });

  it("takes the key of a message just sent for one that was accepted", async () => {
    answer({ status: "error", code: 1573, message: "Duplicate idempotence_key" }, 400);
    const error = await failure(create().send({ ...mail, idempotencyKey: "order-17" }));
    expect(error).toMatchObject({ delivery: "accepted", retryable: false, code: 1573 });
  });

  it("refuses headers that Unisender Go would ignore, and copies in a batch", async () => {
    const headers = { "Auto-Submitted": "auto-generated", "X-Own": "1" };
    expect(await failure(create().send({ ...mail, headers }))).toMatchObject({ field: "headers" });
    const batch = { ...mail, headers, cc: ["copy@example.org"], mergeData: {} };
    const [request] = await create({ unsupported: "drop" }).dryRun(batch);
    const { message } = JSON.parse(String(request?.body)) as { message: Record<string, unknown> };
    expect(message["headers"]).toEqual({ "X-Own": "1" });
    expect(message["recipients"]).toMatchObject([{ email: "grace@example.org" }]);
  });

  it("writes metadata as strings", async () => {
    const [request] = await create({ generateMessageId: false }).dryRun({
      ...mail,
      metadata: { id: 1, nested: { a: true } },
      mergeMetadata: { "grace@example.org": { n: 2 } },
    });
    const { message } = JSON.parse(String(request?.body)) as { message: Record<string, unknown> };
    expect(message["global_metadata"]).toEqual({ id: "1", nested: '{"a":true}' });
    expect(message["recipients"]).toEqual([{ email: "grace@example.org", metadata: { n: "2" } }]);
  });
});
