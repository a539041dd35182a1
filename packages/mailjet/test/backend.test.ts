import type { DryRunRequest } from "@posthorn/core";
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
/** The parts of a request that go over the wire. */
const shown = ({ method, url, headers, body } = {} as Partial<DryRunRequest>) => ({
  method,
  url,
  headers,
  body: JSON.parse(String(body)),
});

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
    answer({ Messages: [{ Status: "success", To: [] }] });
    answer({ Messages: [{ Status: "success", To: [{ Email: "r50@example.org", MessageID: 1 }] }] });
    await create().send({ ...mail, to, mergeMetadata: { "r50@example.org": { n: 1 } } });
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

  it("reads an error answer of which some messages were sent", async () => {
    const batch = { ...mail, to: ["a@example.org", "b@example.org"], mergeData: {} };
    const refused = {
      Status: "error",
      Errors: [{ ErrorCode: "mj-0013", ErrorMessage: '"b" is an invalid email address.', StatusCode: 400 }],
    };
    answer(
      { Messages: [{ Status: "success", To: [{ Email: "a@example.org", MessageID: 5 }] }, refused] },
      400,
    );
    const result = await create().send(batch);
    expect(result.recipients).toEqual({
      "a@example.org": { status: "sent", messageId: "5" },
      "b@example.org": {
        status: "failed",
        messageId: null,
        reason: { code: "mj-0013", message: '"b" is an invalid email address.', retryable: false },
      },
    });
    answer({ Messages: [refused, refused] }, 400);
    const error = await failure(create().send(batch));
    expect(error).toMatchObject({ code: "mj-0013", status: 400, delivery: "not-sent", retryable: false });
    expect((error as Error).message).toBe(
      'Mailjet: answered 400: "b" is an invalid email address. (mj-0013)',
    );
    answer({ ErrorCode: "mj-0015", ErrorMessage: "no credentials", StatusCode: 401 }, 401);
    expect(await failure(create().send(batch))).toMatchObject({ code: "mj-0015", status: 401 });
  });

  it("has no message ids in sandbox mode", async () => {
    const to = [{ Email: "grace@example.org" }];
    answer({ Messages: [{ Status: "success", To: to, Cc: [{ Email: "c@example.org", MessageID: 0 }] }] });
    const espExtra = { SandboxMode: true, Globals: { Priority: 3 } };
    const result = await create().send({ ...mail, cc: ["c@example.org"], espExtra });
    expect(sent()).toMatchObject({ SandboxMode: true, Globals: { Priority: 3, Subject: "Hello" } });
    expect(Object.values(result.recipients)).toEqual(Array(2).fill({ status: "sent", messageId: null }));
  });

  it("writes numbers in headers as strings, and leaves out what is empty", async () => {
    answer({ Messages: [{ Status: "success", To: [{ Email: "grace@example.org", MessageID: 1 }] }] });
    await create().send({
      ...mail,
      headers: { "X-Num": 5 },
      metadata: {},
      mergeGlobalData: {},
      mergeData: {},
    });
    expect(sent().Globals.Headers).toEqual({ "X-Num": "5" });
    expect(sent().Globals).not.toHaveProperty("EventPayload");
    expect(sent().Globals).not.toHaveProperty("Variables");
  });

  it("reports the method of an invitation, which Mailjet refuses in a content type", async () => {
    const attachments = [{ filename: "i.ics", content: "x", contentType: "text/calendar; method=REQUEST" }];
    expect(await failure(create().send({ ...mail, attachments }))).toMatchObject({ field: "attachments" });
  });

  it("does not call a message unsent when the response names no message", async () => {
    answer({ Messages: [] });
    expect(await failure(create().send(mail))).toMatchObject({ name: "ApiError", delivery: "accepted" });
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
      envelopeSender: "bounces@example.com",
      metadata: { order: 7 },
      tags: "welcome",
      trackClicks: false,
      trackOpens: true,
      templateId: 5,
      mergeGlobalData: { site: "Shop" },
    };
    const [request] = await create({ apiUrl: undefined }).dryRun(full);
    expect(shown(request)).toMatchInlineSnapshot(`
      {
        "body": {
          "Globals": {
            "Attachments": [
              {
                "Base64Content": "YQ==",
                "ContentType": "text/plain",
                "Filename": "a.txt",
              },
            ],
            "CustomCampaign": "welcome",
            "EventPayload": "{"order":7}",
            "From": {
              "Email": "ada@example.com",
              "Name": "Ada",
            },
            "HTMLPart": "<p>Hi</p>",
            "Headers": {
              "X-Own": "1",
            },
            "ReplyTo": {
              "Email": "reply@example.com",
            },
            "Sender": {
              "Email": "bounces@example.com",
            },
            "Subject": "Hello",
            "TemplateID": 5,
            "TemplateLanguage": true,
            "TextPart": "Hi",
            "TrackClicks": "disabled",
            "TrackOpens": "enabled",
            "Variables": {
              "site": "Shop",
            },
          },
          "Messages": [
            {
              "Bcc": [
                {
                  "Email": "b@example.org",
                },
              ],
              "Cc": [
                {
                  "Email": "c@example.org",
                },
              ],
              "To": [
                {
                  "Email": "grace@example.org",
                  "Name": "Grace",
                },
              ],
            },
          ],
        },
        "headers": {
          "accept": "application/json",
          "authorization": "[redacted]",
          "content-type": "application/json",
        },
        "method": "POST",
        "url": "https://api.mailjet.com/v3.1/send",
      }
    `);
  });

  it("sends no mail without the template that was asked for", async () => {
    answer({ Messages: [{ Status: "success", To: [{ Email: "grace@example.org", MessageID: 1 }] }] });
    await create().send({ ...mail, templateId: "welcome" });
    expect(sent().Globals.TemplateID).toBe("welcome");
  });

  it("does not call a mail unsent when an attempt before the refusal may have arrived", async () => {
    server.script({ kind: "reset-after-request" });
    answer({ Messages: [{ Status: "error", Errors: [{ ErrorCode: "mj-0013", ErrorMessage: "no" }] }] }, 400);
    const retry = { total: 1, read: 1, backoffFactor: 0 };
    expect(await failure(create({ retry }).send(mail))).toMatchObject({
      status: 400,
      code: "mj-0013",
      delivery: "unknown",
    });
    expect(server.requests).toHaveLength(2);
  });
});
