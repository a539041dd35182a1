import type { DryRunRequest } from "@posthorn/core";
import { systemClock } from "@posthorn/core/provider";
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
/** The parts of a request that go over the wire. */
const shown = ({ method, url, headers, body } = {} as Partial<DryRunRequest>) => ({
  method,
  url,
  headers,
  body: JSON.parse(String(body)),
});

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

  it("leaves out empty params, which Brevo refuses", async () => {
    answer({ messageIds: ["<1@x>", "<2@x>"] }, 201);
    await create().send({
      ...mail,
      to: ["a@example.org", "b@example.org"],
      metadata: {},
      mergeGlobalData: {},
      mergeData: { "a@example.org": {}, "b@example.org": { name: "Bob" } },
    });
    expect(sent()).not.toHaveProperty("params");
    expect(Object.keys(sent().headers)).toEqual(["idempotencyKey"]);
    expect(sent().messageVersions).toEqual([
      { to: [{ email: "a@example.org" }] },
      { to: [{ email: "b@example.org" }], params: { name: "Bob" } },
    ]);
  });

  it("sends from a sender of the account by its id, without a from", async () => {
    answer({ messageId: "<1@x>" }, 201);
    const { from: _, ...senderless } = mail;
    await create().send({ ...senderless, espExtra: { sender: { id: 7 } } } as never);
    expect(sent().sender).toEqual({ id: 7 });
    expect(await failure(create().send({ ...senderless, espExtra: { sender: {} } } as never))).toMatchObject({
      field: "from",
    });
    expect(server.requests).toHaveLength(1);
  });

  it("cuts a batch by the bytes of its params, 1,000 KB in a request", async () => {
    const to = Array.from({ length: 25 }, (_, index) => `r${index}@example.org`);
    const mergeData = Object.fromEntries(to.map((address) => [address, { text: "é".repeat(24_000) }]));
    server.decide(({ body }) => {
      const { messageVersions } = JSON.parse(body.toString());
      const messageIds = messageVersions.map((_: unknown, index: number) => `<${index}@x>`);
      return { kind: "answer", status: 201, body: JSON.stringify({ messageIds }) };
    });
    const result = await create().send({ ...mail, to, mergeData });
    expect([sent(0), sent(1)].map(({ messageVersions }) => messageVersions.length)).toEqual([20, 5]);
    expect(Object.keys(result.recipients)).toEqual(to);
  });

  it("takes either code of a repeat for a message that was accepted", async () => {
    for (const code of ["duplicate_parameter", "duplicate_request"]) {
      answer({ code, message: "Request already processed" }, 400);
      expect(await failure(create().send(mail))).toMatchObject({
        code,
        delivery: "accepted",
        retryable: false,
      });
    }
  });

  it("reads when the rate limit is over, which is in no Retry-After", async () => {
    answer({ code: "too_many_requests", message: "slow down" }, 429, { "x-sib-ratelimit-reset": "120" });
    const clock = { ...systemClock, now: () => 1_000_000 };
    expect(await failure(create({ retry: false, clock }).send(mail))).toMatchObject({
      delivery: "not-sent",
      retryable: true,
      retryAt: new Date(1_120_000),
    });
  });

  it("reports the method of an invitation, for which there is no field", async () => {
    const invitation = {
      filename: "i.ics",
      content: "BEGIN:VCALENDAR",
      contentType: "text/calendar; method=REQUEST",
    };
    expect(await failure(create().send({ ...mail, attachments: [invitation] }))).toMatchObject({
      name: "UnsupportedFeatureError",
      field: "attachments",
    });
    answer({ messageId: "<1@x>" }, 201);
    await create().send({
      ...mail,
      attachments: [{ ...invitation, contentType: "text/calendar; charset=utf-8" }],
    });
    expect(sent().attachment).toEqual([{ name: "i.ics", content: btoa("BEGIN:VCALENDAR") }]);
  });

  it("makes this request of a full message", async () => {
    const full = {
      from: "Ada <ada@example.com>",
      to: ["Grace <grace@example.org>"],
      cc: ["c@example.org"],
      bcc: ["b@example.org"],
      replyTo: "reply@example.com",
      subject: "Hello",
      text: "Hi",
      html: "<p>Hi</p>",
      headers: { "X-Own": "1" },
      attachments: [{ filename: "a.txt", content: "a" }],
      metadata: { order: 7 },
      sendAt: "2030-01-02T03:04:05Z",
      tags: ["welcome"],
      templateId: 5,
      mergeGlobalData: { site: "Shop" },
      idempotencyKey: "0b54fb3c-0c2b-4b0e-9d2b-0f6d1c6f3a10",
    };
    const [request] = await create({ apiUrl: undefined }).dryRun(full);
    expect(shown(request)).toMatchInlineSnapshot(`
      {
        "body": {
          "attachment": [
            {
              "content": "YQ==",
              "name": "a.txt",
            },
          ],
          "bcc": [
            {
              "email": "b@example.org",
            },
          ],
          "cc": [
            {
              "email": "c@example.org",
            },
          ],
          "headers": {
            "X-Mailin-custom": "{"order":7}",
            "X-Own": "1",
            "idempotencyKey": "0b54fb3c-0c2b-4b0e-9d2b-0f6d1c6f3a10",
          },
          "htmlContent": "<p>Hi</p>",
          "params": {
            "site": "Shop",
          },
          "replyTo": {
            "email": "reply@example.com",
          },
          "scheduledAt": "2030-01-02T03:04:05.000+00:00",
          "sender": {
            "email": "ada@example.com",
            "name": "Ada",
          },
          "subject": "Hello",
          "tags": [
            "welcome",
          ],
          "templateId": 5,
          "textContent": "Hi",
          "to": [
            {
              "email": "grace@example.org",
              "name": "Grace",
            },
          ],
        },
        "headers": {
          "accept": "application/json",
          "api-key": "[redacted]",
          "content-type": "application/json",
          "idempotencyKey": "0b54fb3c-0c2b-4b0e-9d2b-0f6d1c6f3a10",
        },
        "method": "POST",
        "url": "https://api.brevo.com/v3/smtp/email",
      }
    `);
  });

  it("explains errors", async () => {
    answer({ code: "invalid_parameter", message: "sender is not valid" }, 400);
    expect(await failure(create().send(mail))).toMatchObject({
      code: "invalid_parameter",
      delivery: "not-sent",
    });
  });
});
