import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { postmark } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof postmark>[0]> = {}) =>
  postmark({ serverToken: "made-up", apiUrl: server.url, ...more });
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

describe("postmark", () => {
  it("tells of each mail of a batch, inactive ones among them", async () => {
    answer([
      { ErrorCode: 0, Message: "OK", To: "a@example.org", MessageID: "1" },
      {
        ErrorCode: 406,
        Message:
          "You tried to send to a recipient that has been marked as inactive. Found inactive addresses: b@example.org.",
      },
      { ErrorCode: 300, Message: "Invalid 'To' address: 'c@localhost'." },
      { ErrorCode: 412, Message: "pending approval" },
    ]);
    const to = ["a@example.org", "b@example.org", "c@localhost", "d@example.org"];
    const result = await create().send({ ...mail, to, mergeData: {} });
    expect(to.map((address) => result.recipients[address]?.status)).toEqual([
      "sent",
      "rejected",
      "invalid",
      "failed",
    ]);
    expect(to.map((address) => result.recipients[address]?.reason?.code)).toEqual([undefined, 406, 300, 412]);
  });

  it("calls recipients queued while delivery may be delayed", async () => {
    answer({ Message: "OK, delivery may be delayed", To: "a@example.org", MessageID: "1" });
    const { recipients } = await create().send({ ...mail, to: ["a@example.org"] });
    expect(recipients).toEqual({ "a@example.org": { status: "queued", messageId: "1" } });
  });

  it("throws what an answer of 200 says no to", async () => {
    answer({ ErrorCode: 451, Message: "Helpful explanation" });
    expect(await failure(create().send(mail))).toMatchObject({
      name: "ApiError",
      code: 451,
      delivery: "not-sent",
    });
  });

  it("takes a server token for one message, and keeps it to itself", async () => {
    const message = { ...mail, espExtra: { server_token: "made-up-other", MessageStream: "broadcasts" } };
    answer({ ErrorCode: 10, Message: "Bad or missing token: made-up-other" }, 401);
    const error = await failure(create().send(message));
    expect(server.requests[0]?.headers["x-postmark-server-token"]).toBe("made-up-other");
    const body = JSON.parse(server.requests[0]?.body.toString() ?? "null");
    expect(body).toMatchObject({ MessageStream: "broadcasts" });
    expect(body).not.toHaveProperty("server_token");
    expect(String(error) + JSON.stringify(error)).not.toContain("made-up-other");
    expect(await failure(create().send({ ...mail, espExtra: { server_token: 5 } }))).toMatchObject({
      name: "InvalidMessageError",
      field: "espExtra.server_token",
    });
  });

  it("writes metadata as strings, and leaves out what is empty", async () => {
    const bodyOf = async (message: Parameters<ReturnType<typeof create>["dryRun"]>[0]) =>
      JSON.parse(String((await create().dryRun(message))[0]?.body)) as Record<string, unknown>;
    expect((await bodyOf({ ...mail, metadata: { id: 1, list: [1] } }))["Metadata"]).toEqual({
      id: "1",
      list: "[1]",
    });
    expect(Object.keys(await bodyOf({ ...mail, metadata: {}, html: "" }))).toEqual([
      "From",
      "To",
      "Subject",
      "TextBody",
    ]);
  });

  it("knows that maintenance sends nothing", async () => {
    answer({ ErrorCode: 100, Message: "Maintenance" }, 503);
    const error = await failure(create({ retry: false }).send(mail));
    expect(error).toMatchObject({ delivery: "not-sent", retryable: true });
  });

  it("cuts batches by 50 MB", async () => {
    const to = Array.from({ length: 60 }, (_, index) => `r${index}@example.org`);
    const attachments = [{ filename: "a.bin", content: new Uint8Array(1_000_000) }];
    const requests = await create().dryRun({ ...mail, to, mergeMetadata: {}, attachments });
    const sizes = requests.map(({ body }) => (body as Blob).size);
    expect(sizes).toHaveLength(2);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(50_000_000);
    const small = await create().dryRun({ ...mail, to, mergeMetadata: {} });
    expect(small).toHaveLength(1);
  });

  it("throws when a batch is refused for a reason that is no recipient's", async () => {
    const refusal = { ErrorCode: 300, Message: "Invalid metadata content." };
    answer([refusal, refusal]);
    const to = ["a@example.org", "b@example.org"];
    const error = await failure(create().send({ ...mail, to, mergeMetadata: {} }));
    expect(error).toMatchObject({ name: "ApiError", code: 300, delivery: "not-sent", retryable: false });
    expect(String(error)).toContain("Invalid metadata content.");
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
      headers: { "X-Own": "1", "List-Unsubscribe": "<https://example.com/u>" },
      attachments: [
        { filename: "účet.csv", content: "a;b", charset: "utf-8" },
        { filename: "logo.png", content: new Uint8Array([137]), contentId: "logo@example.com" },
      ],
      metadata: { user: 42, plan: "pro" },
      tags: ["welcome"],
      trackOpens: true,
      trackClicks: false,
    });
    const { method, url, headers, body } = request ?? {};
    expect({ method, url, headers, body: JSON.parse(String(body)) }).toMatchInlineSnapshot(`
      {
        "body": {
          "Attachments": [
            {
              "Content": "YTti",
              "ContentType": "text/csv; charset="utf-8"",
              "Name": "účet.csv",
            },
            {
              "Content": "iQ==",
              "ContentID": "cid:logo@example.com",
              "ContentType": "image/png",
              "Name": "logo.png",
            },
          ],
          "Bcc": "archive@example.com",
          "Cc": "Copy <copy@example.org>",
          "From": ""Ada, Ltd" <ada@example.com>",
          "Headers": [
            {
              "Name": "X-Own",
              "Value": "1",
            },
            {
              "Name": "List-Unsubscribe",
              "Value": "<https://example.com/u>",
            },
          ],
          "HtmlBody": "<p>Hello <img src="cid:logo@example.com"></p>",
          "Metadata": {
            "plan": "pro",
            "user": "42",
          },
          "ReplyTo": "Help <help@example.com>, sales@example.com",
          "Subject": "Kůň",
          "Tag": "welcome",
          "TextBody": "Hello",
          "To": "Grace <grace@example.org>, linus@example.org",
          "TrackLinks": "None",
          "TrackOpens": true,
        },
        "headers": {
          "accept": "application/json",
          "content-type": "application/json",
          "x-postmark-server-token": "[redacted]",
        },
        "method": "POST",
        "url": "https://api.postmarkapp.com/email",
      }
    `);
  });
});
