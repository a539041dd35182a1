import type { DryRunRequest } from "@posthorn/core";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mailtrap } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof mailtrap>[0]> = {}) =>
  mailtrap({ apiToken: "made-up", apiUrl: server.url, ...more });
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

describe("mailtrap", () => {
  it("sends to a sandbox", async () => {
    answer({ success: true, message_ids: ["one"] });
    const result = await create({ sandboxId: 7 }).send({ ...mail, cc: ["c@example.org"] });
    expect(server.requests[0]?.path).toBe("/send/7");
    expect(Object.values(result.recipients).map(({ messageId }) => messageId)).toEqual(["one", "one"]);
    const [live] = await create({ sandboxId: 7, apiUrl: undefined }).dryRun(mail);
    expect(live?.url).toBe("https://sandbox.api.mailtrap.io/api/send/7");
  });

  it("tells which mails of a batch failed, and explains errors", async () => {
    answer({
      success: true,
      responses: [
        { success: true, message_ids: ["1"] },
        { success: false, errors: ["no"] },
      ],
    });
    const result = await create().send({ ...mail, to: ["a@example.org", "b@example.org"], mergeData: {} });
    expect(result.recipients["b@example.org"]).toEqual({
      status: "failed",
      messageId: null,
      reason: { message: "no", retryable: false },
    });
    answer({ success: false, errors: ["'to' is required"] }, 400);
    expect(String(await failure(create().send(mail)))).toContain("'to' is required");
  });

  it("merges espExtra at every depth, into the base of a batch", async () => {
    const espExtra = { custom_variables: { own: "yes" }, category: "other" };
    answer({ success: true, message_ids: ["1", "2"] });
    await create().send({
      ...mail,
      cc: ["c@example.org"],
      tags: "welcome",
      metadata: { order: 7 },
      espExtra: { ...espExtra, cc: [{ email: "other@example.org" }] },
    });
    expect(sent()).toMatchObject({
      custom_variables: { order: "7", own: "yes" },
      category: "other",
      cc: [{ email: "other@example.org" }],
    });
    answer({ success: true, responses: [{ success: true, message_ids: ["1"] }] });
    await create().send({ ...mail, metadata: { order: 7 }, mergeData: {}, espExtra });
    expect(sent(1).base.custom_variables).toEqual({ order: "7", own: "yes" });
    expect(sent(1).requests).toEqual([{ to: [{ email: "grace@example.org" }] }]);
  });

  it("tells of copies of mails that failed, and believes a mail's own success", async () => {
    const batch = { ...mail, to: ["a@example.org", "b@example.org"], cc: ["c@example.org"], mergeData: {} };
    answer({
      success: false,
      responses: [
        { success: false, errors: ["no"] },
        { success: true, message_ids: ["1", "2"] },
      ],
    });
    expect((await create().send(batch)).recipients).toEqual({
      "a@example.org": { status: "failed", messageId: null, reason: { message: "no", retryable: false } },
      "b@example.org": { status: "queued", messageId: "1" },
      "c@example.org": { status: "queued", messageId: "2" },
    });
    const refused = { success: false, errors: ["'subject' is required"] };
    // Refused as a whole, whatever the batch says of itself.
    for (const success of [true, false]) {
      answer({ success, responses: [refused, refused] });
      const error = await failure(create().send(batch));
      expect(error).toMatchObject({ name: "ApiError", delivery: "not-sent" });
      expect(String(error)).toContain("success: 'subject' is required");
    }
  });

  it("reports merge data without a template, which Mailtrap ignores, and leaves out what is empty", async () => {
    for (const [field, values] of [
      ["mergeGlobalData", { site: "Shop" }],
      ["mergeData", { "grace@example.org": { name: "Grace" } }],
    ] as const) {
      const error = await failure(create().send({ ...mail, [field]: values }));
      expect(error).toMatchObject({ name: "UnsupportedFeatureError", field });
    }
    answer({ success: true, message_ids: ["1"] });
    await create().send({ ...mail, templateId: "t", metadata: {}, mergeGlobalData: {} });
    expect(Object.keys(sent())).toEqual(["from", "subject", "text", "template_uuid", "to"]);
  });

  it("cuts a batch by its bytes, 50 MB in a request", async () => {
    server.decide(({ body }) => {
      const { requests } = JSON.parse(body.toString());
      const responses = requests.map(() => ({ success: true, message_ids: ["1"] }));
      return { kind: "answer", status: 200, body: JSON.stringify({ success: true, responses }) };
    });
    const to = Array.from({ length: 4 }, (_, index) => `r${index}@example.org`);
    const attachments = [{ filename: "a.bin", content: new Uint8Array(15_000_000) }];
    const mergeData = Object.fromEntries(to.map((address) => [address, { text: "x".repeat(10_000_000) }]));
    await create().send({ ...mail, to, templateId: "t", attachments, mergeData });
    expect(server.requests.map(({ body }) => body.length < 50_000_000)).toEqual([true, true]);
    expect([sent(0), sent(1)].map(({ requests }) => requests.length)).toEqual([2, 2]);
  });

  it("writes several reply addresses as a header, and names itself", async () => {
    answer({ success: true, message_ids: ["1"] });
    await create().send({
      ...mail,
      replyTo: ["a@example.com", "Bob <b@example.com>"],
      headers: { "X-Own": "1" },
    });
    expect(sent()).not.toHaveProperty("reply_to");
    expect(sent().headers).toEqual({ "X-Own": "1", "Reply-To": "a@example.com, Bob <b@example.com>" });
    expect(server.requests[0]?.headers["user-agent"]).toBe("posthorn");
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
      tags: "welcome",
      templateId: "b81aabcd-1a1e-41cf-91b6-eca0254b3d96",
      mergeGlobalData: { site: "Shop" },
    };
    const [request] = await create({ apiUrl: undefined }).dryRun(full);
    expect(shown(request)).toMatchInlineSnapshot(`
      {
        "body": {
          "attachments": [
            {
              "content": "YQ==",
              "filename": "a.txt",
              "type": "text/plain",
            },
          ],
          "bcc": [
            {
              "email": "b@example.org",
            },
          ],
          "category": "welcome",
          "cc": [
            {
              "email": "c@example.org",
            },
          ],
          "custom_variables": {
            "order": "7",
          },
          "from": {
            "email": "ada@example.com",
            "name": "Ada",
          },
          "headers": {
            "X-Own": "1",
          },
          "html": "<p>Hi</p>",
          "reply_to": {
            "email": "reply@example.com",
          },
          "subject": "Hello",
          "template_uuid": "b81aabcd-1a1e-41cf-91b6-eca0254b3d96",
          "template_variables": {
            "site": "Shop",
          },
          "text": "Hi",
          "to": [
            {
              "email": "grace@example.org",
              "name": "Grace",
            },
          ],
        },
        "headers": {
          "accept": "application/json",
          "api-token": "[redacted]",
          "content-type": "application/json",
          "user-agent": "posthorn",
        },
        "method": "POST",
        "url": "https://send.api.mailtrap.io/api/send",
      }
    `);
  });

  it("names someone who is in two lists once", async () => {
    const twice = { ...mail, to: ["a@example.org", "b@example.org"], cc: ["A@example.org"] };
    answer({ success: true, message_ids: ["1", "2"] });
    expect((await create().send(twice)).recipients).toEqual({
      "a@example.org": { status: "queued", messageId: "1" },
      "b@example.org": { status: "queued", messageId: "2" },
    });
    expect(sent()).not.toHaveProperty("cc");
  });
});
