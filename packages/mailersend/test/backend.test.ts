import type { DryRunRequest } from "@posthorn/core";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mailersend } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof mailersend>[0]> = {}) =>
  mailersend({ apiToken: "made-up", apiUrl: server.url, ...more });
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

describe("mailersend", () => {
  it("exposes the list only when told to, and bulks when told to", async () => {
    const batch = {
      ...mail,
      to: ["a@example.org", "b@example.org"],
      mergeData: { "a@example.org": { n: 1 } },
    };
    expect(await failure(create().send(batch))).toMatchObject({
      name: "UnsupportedFeatureError",
      field: "mergeData",
    });
    answer("", 202, { "x-message-id": "m1" });
    await create({ batchSendMode: "expose-to-list" }).send(batch);
    expect(sent().to).toEqual([{ email: "a@example.org" }, { email: "b@example.org" }]);
    answer({ bulk_email_id: "b1" }, 202);
    const result = await create({ batchSendMode: "use-bulk-email" }).send(batch);
    expect(server.requests[1]?.path).toBe("/bulk-email");
    expect(result.recipients["a@example.org"]).toEqual({ status: "unknown", messageId: "bulk:b1" });
  });

  it("does not try again on the daily quota, and lists what is wrong", async () => {
    answer({ message: "Daily quota reached #MS42901" }, 429, { "retry-after": "60" });
    expect(await failure(create().send(mail))).toMatchObject({
      code: "MS42901",
      retryable: false,
      attempts: [{ status: 429, stopped: "refused" }],
    });
    expect(server.requests).toHaveLength(1);
    answer({ message: "Invalid.", errors: { "to.0.email": ["The to.0.email must be valid."] } }, 422);
    expect(String(await failure(create().send(mail)))).toContain("The to.0.email must be valid.");
  });

  it("takes a token and a batch mode for one message, and keeps the token to itself", async () => {
    const batch = { ...mail, to: ["a@example.org", "b@example.org"], mergeData: {} };
    const espExtra = { api_token: "made-up-other", batch_send_mode: "use-bulk-email" };
    answer({ message: "no access for made-up-other" }, 403);
    const lines: string[] = [];
    const debug = (line: string) => void lines.push(line);
    const error = await failure(create({ debug }).send({ ...batch, espExtra }));
    expect(server.requests[0]).toMatchObject({
      path: "/bulk-email",
      headers: { authorization: "Bearer made-up-other" },
    });
    expect(sent()[0]).not.toHaveProperty("api_token");
    expect(sent()[0]).not.toHaveProperty("batch_send_mode");
    expect(String(error) + JSON.stringify(error) + lines.join("\n")).not.toContain("made-up-other");
    expect(JSON.stringify(await create().dryRun({ ...batch, espExtra }))).not.toContain("made-up-other");
    for (const wrong of [{ api_token: 5 }, { batch_send_mode: "bulk" }]) {
      const refused = await failure(create().send({ ...mail, espExtra: wrong }));
      expect(refused).toMatchObject({ field: `espExtra.${Object.keys(wrong)[0]}` });
    }
  });

  it("merges espExtra at every depth, into each mail of a bulk", async () => {
    const espExtra = { settings: { track_content: false }, references: ["a@example.com"] };
    answer({ bulk_email_id: "b1" }, 202);
    await create({ batchSendMode: "use-bulk-email" }).send({
      ...mail,
      to: ["a@example.org", "b@example.org"],
      mergeData: {},
      trackClicks: true,
      espExtra,
    });
    const expected = {
      settings: { track_clicks: true, track_content: false },
      references: ["a@example.com"],
    };
    expect(sent()).toMatchObject([expected, expected]);
  });

  it("has fields for two headers, whatever their case", async () => {
    answer("", 202, { "x-message-id": "m1" });
    await create().send({
      ...mail,
      headers: { "in-reply-to": "<1@example.com>", PRECEDENCE: "Bulk", "X-Own": 5 },
    });
    expect(sent()).toMatchObject({
      in_reply_to: "1@example.com",
      precedence_bulk: true,
      headers: [{ name: "X-Own", value: "5" }],
    });
    answer("", 202, { "x-message-id": "m1" });
    await create().send({ ...mail, headers: { Precedence: "first-class" } });
    expect(sent(1).precedence_bulk).toBe(false);
    expect(sent(1)).not.toHaveProperty("headers");
  });

  it("names files by their type, and sends text as UTF-8", async () => {
    answer("", 202, { "x-message-id": "m1" });
    const latin1 = {
      content: new Uint8Array([0xe7, 0x61]),
      contentType: "text/plain",
      charset: "iso-8859-1",
    };
    await create().send({
      ...mail,
      attachments: [latin1, { content: new Uint8Array([1]), contentType: "image/png", contentId: "logo" }],
    });
    expect(sent().attachments).toEqual([
      { content: btoa("\u00c3\u00a7a"), filename: "attachment.txt", disposition: "attachment" },
      { content: "AQ==", filename: "attachment.png", disposition: "inline", id: "logo" },
    ]);
  });

  it("finds the code of a validation error among its errors", async () => {
    const errors = { "to.0.email": ["The to.0.email must be valid. #MS42207"] };
    answer({ message: "The given data was invalid.", errors }, 422);
    expect(await failure(create().send(mail))).toMatchObject({
      code: "MS42207",
      delivery: "not-sent",
      retryable: false,
    });
  });

  it("gives References and List-Unsubscribe their fields", async () => {
    answer("", 202, { "x-message-id": "m1" });
    await create().send({
      ...mail,
      headers: {
        References: "<1@example.com> <2@example.com>",
        "List-Unsubscribe": "<https://example.com/unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      },
    });
    expect(sent()).toMatchObject({
      references: ["1@example.com", "2@example.com"],
      list_unsubscribe: "<https://example.com/unsubscribe>",
      headers: [{ name: "List-Unsubscribe-Post", value: "List-Unsubscribe=One-Click" }],
    });
  });

  const bulk = { batchSendMode: "use-bulk-email" } as const;

  it("cuts a bulk by its bytes, 50 MB in a request", async () => {
    for (const id of ["b1", "b2"]) answer({ bulk_email_id: id }, 202);
    const to = Array.from({ length: 5 }, (_, index) => `r${index}@example.org`);
    // In base64 12 MB, once for each message.
    const attachments = [{ filename: "a.bin", content: new Uint8Array(9_000_000) }];
    const result = await create(bulk).send({ ...mail, to, mergeData: {}, attachments });
    expect(server.requests.map(({ body }) => body.length < 50_000_000)).toEqual([true, true]);
    expect([sent(0).length, sent(1).length]).toEqual([4, 1]);
    expect(Object.values(result.recipients).map(({ messageId }) => messageId)).toEqual([
      ...Array(4).fill("bulk:b1"),
      "bulk:b2",
    ]);
  });

  it("gives each message of a bulk its recipient's headers, and reports them where all get one message", async () => {
    answer({ bulk_email_id: "b1" }, 202);
    const to = ["a@example.org", "b@example.org"];
    const message = {
      ...mail,
      to,
      headers: { "X-Id": "0" },
      mergeHeaders: { "b@example.org": { "X-Id": "2" } },
    };
    await create(bulk).send(message);
    expect(sent().map(({ headers }: { headers: unknown }) => headers)).toEqual([
      [{ name: "X-Id", value: "0" }],
      [{ name: "X-Id", value: "2" }],
    ]);
    const error = await failure(create({ batchSendMode: "expose-to-list" }).send(message));
    expect(error).toMatchObject({ name: "UnsupportedFeatureError", field: "mergeHeaders" });
  });

  it("says why a recipient is rejected", async () => {
    const warnings = [
      {
        type: "SOME_SUPPRESSED",
        warning: "Some of the recipients have been suppressed.",
        recipients: [{ email: "b@example.org", name: "", reasons: ["hard_bounced", "blocklisted"] }],
      },
    ];
    answer({ warnings }, 202, { "x-message-id": "m1" });
    const result = await create().send({ ...mail, cc: ["B@example.org"] });
    expect(result.recipients).toEqual({
      "grace@example.org": { status: "queued", messageId: "m1" },
      "B@example.org": {
        status: "rejected",
        messageId: null,
        reason: {
          code: "hard_bounced, blocklisted",
          message: "Some of the recipients have been suppressed.",
          retryable: false,
        },
      },
    });
  });

  it("reports the method of an invitation, for which there is no field", async () => {
    const attachments = [{ filename: "i.ics", content: "x", contentType: "text/calendar; method=REQUEST" }];
    expect(await failure(create().send({ ...mail, attachments }))).toMatchObject({ field: "attachments" });
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
      sendAt: "2030-01-02T03:04:05Z",
      tags: ["welcome"],
      trackClicks: false,
      trackOpens: true,
      templateId: "t1",
      mergeGlobalData: { site: "Shop" },
    };
    const [request] = await create({ apiUrl: undefined }).dryRun(full);
    expect(shown(request)).toMatchInlineSnapshot(`
      {
        "body": {
          "attachments": [
            {
              "content": "YQ==",
              "disposition": "attachment",
              "filename": "a.txt",
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
          "from": {
            "email": "ada@example.com",
            "name": "Ada",
          },
          "headers": [
            {
              "name": "X-Own",
              "value": "1",
            },
          ],
          "html": "<p>Hi</p>",
          "personalization": [
            {
              "data": {
                "site": "Shop",
              },
              "email": "grace@example.org",
            },
          ],
          "reply_to": {
            "email": "reply@example.com",
          },
          "send_at": 1893553445,
          "settings": {
            "track_clicks": false,
            "track_opens": true,
          },
          "subject": "Hello",
          "tags": [
            "welcome",
          ],
          "template_id": "t1",
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
          "authorization": "[redacted]",
          "content-type": "application/json",
        },
        "method": "POST",
        "url": "https://api.mailersend.com/v1/email",
      }
    `);
  });

  it("leaves a template's own subject alone", async () => {
    answer("", 202, { "x-message-id": "m1" });
    await create().send({ from: mail.from, to: mail.to, templateId: "t1" });
    expect(sent()).not.toHaveProperty("subject");
  });
});
