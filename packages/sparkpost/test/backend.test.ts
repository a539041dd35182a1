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
      [{ email: "b@example.org", header_to: "b@example.org" }, { n: 2 }],
      [{ email: "c@example.org", header_to: "a@example.org" }, undefined],
      [{ email: "c@example.org", header_to: "b@example.org" }, { n: 2 }],
    ]);
    expect(result.status).toBe("queued");
    expect(server.requests[0]?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("turns a key of another alphabet into one that SparkPost takes, the same each time", async () => {
    for (const _ of [0, 1]) {
      answer({ results: { id: "1", total_accepted_recipients: 1, total_rejected_recipients: 0 } });
      await create().send({ ...mail, idempotencyKey: "order 42/é" });
    }
    const [first, second] = server.requests.map(({ headers }) => headers["idempotency-key"]);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).toBe(first);
  });

  it("refers to headers by recipient, common values among those for all", async () => {
    answer({ results: { id: "1", total_accepted_recipients: 2, total_rejected_recipients: 0 } });
    await create().send({
      ...mail,
      to: ["a@example.org", "b@example.org"],
      headers: { "x-tier": "all" },
      mergeHeaders: { "b@example.org": { "x-tier": "own" } },
    });
    expect(sent().content.headers).toEqual({ "x-tier": "{{Header__X_Tier}}" });
    expect(sent().substitution_data).toEqual({ Header__X_Tier: "all" });
    expect(sent().recipients.map((one: { substitution_data?: object }) => one.substitution_data)).toEqual([
      undefined,
      { Header__X_Tier: "own" },
    ]);
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

  it("waits for an earlier request with the same key, and asks again", async () => {
    answer({ errors: [{ message: "conflict", code: "1601" }] }, 409);
    answer({ results: { id: "t1", total_accepted_recipients: 1, total_rejected_recipients: 0 } });
    const retry = { total: 3, backoffFactor: 0 };
    const result = await create({ retry }).send({ ...mail, idempotencyKey: "order-17" });
    expect(result).toMatchObject({ status: "queued", messageId: "t1" });
    answer({ errors: [{ message: "conflict", code: "1601" }] }, 409);
    expect(await failure(create({ retry: false }).send(mail))).toMatchObject({ delivery: "unknown" });
  });

  it("takes a key that sent another message for one that was accepted", async () => {
    answer({ errors: [{ message: "conflict", code: "1600" }] }, 409);
    expect(await failure(create().send(mail))).toMatchObject({ delivery: "accepted", retryable: false });
    answer({ errors: [{ message: "resource not found", code: "1600" }] }, 404);
    expect(await failure(create().send(mail))).toMatchObject({ delivery: "not-sent" });
  });

  it("gives a template another sender and other replies, and recipients all tags", async () => {
    const [request] = await create().dryRun({
      from: mail.from,
      to: mail.to,
      replyTo: ["Help <help@example.com>", "b@example.com"],
      templateId: "welcome",
      tags: ["welcome", "new"],
      metadata: {},
      mergeGlobalData: {},
    });
    expect(JSON.parse(String(request?.body))).toEqual({
      recipients: [
        {
          address: { email: "grace@example.org", header_to: "grace@example.org" },
          tags: ["welcome", "new"],
        },
      ],
      content: { template_id: "welcome" },
      override: { from: "Ada <ada@example.com>", reply_to: "Help <help@example.com>, b@example.com" },
      campaign_id: "welcome",
    });
  });

  it("says that recipients who all see each other are too many for a request", async () => {
    const to = Array.from({ length: 1000 }, (_, index) => `recipient-number-${index}@example.org`);
    expect(await failure(create().dryRun({ ...mail, to }))).toMatchObject({
      name: "InvalidMessageError",
      field: "to",
      message: expect.stringContaining("1000 recipients"),
    });
    expect(await create().dryRun({ ...mail, to, mergeData: {} })).toHaveLength(1);
  });
});
