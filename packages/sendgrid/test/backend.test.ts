import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sendgrid } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof sendgrid>[0]> = {}) =>
  sendgrid({ apiKey: "made-up", apiUrl: server.url, ...more });
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

describe("sendgrid", () => {
  it("has SendGrid's own id when told not to make one", async () => {
    answer("", 202, { "x-message-id": "sg1" });
    const result = await create({ generateMessageId: false }).send(mail);
    expect(result.recipients["grace@example.org"]).toEqual({ status: "queued", messageId: "sg1" });
    expect(sent().personalizations).toEqual([{ to: [{ email: "grace@example.org" }] }]);
  });

  it("delimits legacy variables, and merges extras into what it makes", async () => {
    answer("", 202);
    await create({ mergeFieldFormat: ":{}" }).send({
      ...mail,
      mergeData: { "grace@example.org": { name: "Grace" } },
      trackOpens: true,
      espExtra: { tracking_settings: { subscription_tracking: { enable: false } } },
    });
    expect(sent().personalizations[0].substitutions).toEqual({ ":name": "Grace" });
    const braces = { merge_field_format: "{{{{{}}}}}" };
    const [other] = await create().dryRun({
      ...mail,
      mergeData: { "grace@example.org": { name: "Grace" } },
      espExtra: braces,
    });
    expect(JSON.parse(String(other?.body)).personalizations[0].substitutions).toEqual({
      "{{name}}": "Grace",
    });
    expect(sent().tracking_settings).toEqual({
      open_tracking: { enable: true },
      subscription_tracking: { enable: false },
    });
    answer({ errors: [{ message: "does not contain a valid address", field: "from.email" }] }, 400);
    expect(String(await failure(create().send(mail)))).toContain(
      "does not contain a valid address (from.email)",
    );
  });

  it("counts copies against the 1,000 recipients of a request", async () => {
    answer("", 202);
    answer("", 202);
    await create().send({
      ...mail,
      to: Array.from({ length: 501 }, (_, index) => `u${index}@example.org`),
      cc: ["copy@example.org"],
      mergeData: {},
    });
    expect([0, 1].map((index) => sent(index).personalizations.length)).toEqual([500, 1]);
  });

  it("merges an object of extras into each personalization, keeps the type of files bare", async () => {
    answer("", 202);
    await create({ mergeFieldFormat: "-{}-" }).send({
      ...mail,
      html: "",
      mergeData: { "grace@example.org": { "a$&b": "x" } },
      attachments: [{ filename: "a.txt", content: "é", charset: "utf-8" }],
      espExtra: { personalizations: { send_at: 1, custom_args: { mine: "1" } }, merge_field_format: null },
    });
    const [personalization] = sent().personalizations;
    expect(personalization).toMatchObject({ send_at: 1, substitutions: { "a$&b": "x" } });
    expect(Object.keys(personalization.custom_args).sort()).toEqual(["anymail_id", "mine"]);
    expect(sent().attachments).toEqual([{ content: "w6k=", type: "text/plain", filename: "a.txt" }]);
    expect(sent().content).toEqual([{ type: "text/plain", value: "Hi" }]);
  });

  it("has a template's id as a string, and the method of an invitation", async () => {
    const [request] = await create().dryRun({
      ...mail,
      templateId: 17,
      metadata: {},
      attachments: [
        { filename: "i.ics", content: "x", contentType: "text/calendar; charset=utf-8; method=REQUEST" },
        { filename: "a.csv", content: "x", contentType: "text/csv; charset=utf-8" },
      ],
    });
    const body = JSON.parse(String(request?.body)) as { attachments: { type: string }[] };
    expect(body).toMatchObject({ template_id: "17" });
    expect(body).not.toHaveProperty("custom_args");
    expect(body.attachments.map(({ type }) => type)).toEqual(["text/calendar; method=REQUEST", "text/csv"]);
  });

  it("gives SendGrid's own id in the responses", async () => {
    server.script({ kind: "answer", status: 202, headers: { "x-message-id": "sg1" }, body: "" });
    const { responses, messageId } = await create().send(mail);
    expect(responses).toEqual([{ "x-message-id": "sg1" }]);
    expect(messageId).not.toBe("sg1");
  });

  it("sends on behalf of a subuser", async () => {
    const [request] = await create({ onBehalfOf: "subuser" }).dryRun(mail);
    expect(request?.headers["on-behalf-of"]).toBe("subuser");
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
      metadata: { user: 42, plan: "pro" },
      tags: ["welcome", "new"],
      trackOpens: true,
      trackClicks: false,
      sendAt: "2026-12-24T10:00:00+01:00",
    });
    const { method, url, headers, body } = request ?? {};
    expect({
      method,
      url: url,
      headers,
      body: JSON.parse(String(body).replace(/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, '"an id"')),
    }).toMatchInlineSnapshot(`
      {
        "body": {
          "attachments": [
            {
              "content": "YTti",
              "filename": "účet.csv",
              "type": "text/csv",
            },
            {
              "content": "iQ==",
              "content_id": "logo@example.com",
              "disposition": "inline",
              "filename": "logo.png",
              "type": "image/png",
            },
          ],
          "categories": [
            "welcome",
            "new",
          ],
          "content": [
            {
              "type": "text/plain",
              "value": "Hello",
            },
            {
              "type": "text/x-amp-html",
              "value": "<!doctype html><html amp4email></html>",
            },
            {
              "type": "text/html",
              "value": "<p>Hello <img src="cid:logo@example.com"></p>",
            },
          ],
          "custom_args": {
            "plan": "pro",
            "user": "42",
          },
          "from": {
            "email": "ada@example.com",
            "name": "Ada, Ltd",
          },
          "headers": {
            "List-Unsubscribe": "<https://example.com/u>",
            "X-Own": "1",
          },
          "personalizations": [
            {
              "bcc": [
                {
                  "email": "archive@example.com",
                },
              ],
              "cc": [
                {
                  "email": "copy@example.org",
                  "name": "Copy",
                },
              ],
              "custom_args": {
                "anymail_id": "an id",
              },
              "to": [
                {
                  "email": "grace@example.org",
                  "name": "Grace",
                },
                {
                  "email": "linus@example.org",
                },
              ],
            },
          ],
          "reply_to_list": [
            {
              "email": "help@example.com",
              "name": "Help",
            },
            {
              "email": "sales@example.com",
            },
          ],
          "send_at": 1798102800,
          "subject": "Kůň",
          "tracking_settings": {
            "click_tracking": {
              "enable": false,
            },
            "open_tracking": {
              "enable": true,
            },
          },
        },
        "headers": {
          "accept": "application/json",
          "authorization": "[redacted]",
          "content-type": "application/json",
        },
        "method": "POST",
        "url": "https://api.sendgrid.com/v3/mail/send",
      }
    `);
  });
});
