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

  it("knows no single recipient's state when counts disagree with the request", async () => {
    answer({ results: { id: "t1", total_accepted_recipients: 5, total_rejected_recipients: 0 } });
    expect((await create().send(mail)).recipients).toEqual({
      "grace@example.org": { status: "unknown", messageId: "t1" },
    });
    answer({
      results: {
        id: "t2",
        total_accepted_recipients: 0,
        total_rejected_recipients: 1,
        rcpt_to_errors: [{ message: "required field is missing", code: "1400" }],
      },
    });
    const { recipients } = await create({ ignoreRecipientStatus: true }).send(mail);
    expect(recipients["grace@example.org"]).toEqual({
      status: "rejected",
      messageId: "t2",
      reason: { code: "1400", message: "required field is missing", retryable: false },
    });
  });
});

describe("the whole request", () => {
  it("of a message with everything", async () => {
    const [request] = await create({ apiUrl: undefined }).dryRun({
      from: '"Ada, Ltd" <ada@example.com>',
      to: ["Grace <grace@example.org>", "linus@example.org"],
      cc: ["Copy <copy@example.org>"],
      bcc: ["archive@example.com"],
      replyTo: ["Help <help@example.com>", "sales@example.com"],
      subject: "Kůň",
      text: "Hello",
      html: '<p>Hello <img src="cid:logo@example.com"></p>',
      amp: "<!doctype html><html amp4email></html>",
      headers: { "X-Own": "1", "List-Unsubscribe": "<https://example.com/u>" },
      attachments: [
        { filename: "účet.csv", content: "a;b", charset: "utf-8" },
        { filename: "logo.png", content: new Uint8Array([137]), contentId: "logo@example.com" },
      ],
      envelopeSender: "bounces@example.com",
      metadata: { user: 42, plan: "pro" },
      tags: ["welcome", "new"],
      trackOpens: true,
      trackClicks: false,
      sendAt: "2026-12-24T10:00:00+01:00",
      idempotencyKey: "order-17",
    });
    const { method, url, headers, body } = request ?? {};
    expect({ method, url, headers, body: JSON.parse(String(body)) }).toMatchInlineSnapshot(`
      {
        "body": {
          "campaign_id": "welcome",
          "content": {
            "amp_html": "<!doctype html><html amp4email></html>",
            "attachments": [
              {
                "data": "YTti",
                "name": "účet.csv",
                "type": "text/csv; charset="utf-8"",
              },
            ],
            "from": ""Ada, Ltd" <ada@example.com>",
            "headers": {
              "Cc": "Copy <copy@example.org>",
              "List-Unsubscribe": "<https://example.com/u>",
              "X-Own": "1",
            },
            "html": "<p>Hello <img src="cid:logo@example.com"></p>",
            "inline_images": [
              {
                "data": "iQ==",
                "name": "logo@example.com",
                "type": "image/png",
              },
            ],
            "reply_to": "Help <help@example.com>, sales@example.com",
            "subject": "Kůň",
            "text": "Hello",
          },
          "metadata": {
            "plan": "pro",
            "user": 42,
          },
          "options": {
            "click_tracking": false,
            "open_tracking": true,
            "start_time": "2026-12-24T10:00:00+01:00",
          },
          "recipients": [
            {
              "address": {
                "email": "grace@example.org",
                "header_to": "Grace <grace@example.org>, linus@example.org",
              },
              "tags": [
                "welcome",
                "new",
              ],
            },
            {
              "address": {
                "email": "linus@example.org",
                "header_to": "Grace <grace@example.org>, linus@example.org",
              },
              "tags": [
                "welcome",
                "new",
              ],
            },
            {
              "address": {
                "email": "copy@example.org",
                "header_to": "Grace <grace@example.org>, linus@example.org",
              },
              "tags": [
                "welcome",
                "new",
              ],
            },
            {
              "address": {
                "email": "archive@example.com",
                "header_to": "Grace <grace@example.org>, linus@example.org",
              },
              "tags": [
                "welcome",
                "new",
              ],
            },
          ],
          "return_path": "bounces@example.com",
        },
        "headers": {
          "accept": "application/json",
          "authorization": "[redacted]",
          "content-type": "application/json",
          "idempotency-key": "order-17",
        },
        "method": "POST",
        "url": "https://api.sparkpost.com/api/v1/transmissions/",
      }
    `);
  });
});
