import {
  ApiError,
  ConfigurationError,
  type DryRunRequest,
  RetryPolicy,
  Session,
  UnsupportedFeatureError,
} from "@posthorn/core";
import { type FakeProvider, startFakeMandrill } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { MandrillBackend, type MandrillOptions, mandrill } from "../src/index.js";

let fake: FakeProvider;
beforeAll(async () => {
  fake = await startFakeMandrill();
});
afterEach(() => fake.reset());
afterAll(() => fake.close());

const create = (options: MandrillOptions = {}): MandrillBackend =>
  mandrill({ apiKey: fake.apiKey, apiUrl: fake.apiUrl, ...options });
const mail = {
  from: "Ada <ada@example.com>",
  to: ["Grace <grace@example.org>"],
  subject: "Hello",
  text: "Hi",
};
/** The parts of a request that go over the wire. */
const shown = ({ method, url, headers, body } = {} as Partial<DryRunRequest>) => ({
  method,
  url,
  headers,
  body: JSON.parse(String(body)),
});

describe("mandrill", () => {
  it("sends, and tells each recipient's status", async () => {
    const result = await create().send({
      ...mail,
      to: ["grace@example.org", "no@reject.example", "x@localhost"],
    });
    expect(result.status).toBe("mixed");
    expect(Object.entries(result.recipients).map(([address, { status }]) => [address, status])).toEqual([
      ["grace@example.org", "sent"],
      ["no@reject.example", "rejected"],
      ["x@localhost", "invalid"],
    ]);
  });

  it("follows the retry policy of a session that replaces its own", async () => {
    class Patient extends MandrillBackend {
      override createSession(): Session {
        return new Session({
          ...this.sessionOptions(),
          headers: { "x-app": "shop" },
          retry: new RetryPolicy({
            total: 5,
            connect: 5,
            read: 0,
            status: 3,
            other: 0,
            allowedMethods: ["POST"],
            statusForcelist: [429, 503],
            backoffFactor: 0.01,
          }),
        });
      }
    }
    fake.script(
      { kind: "answer", status: 503 },
      { kind: "answer", status: 429 },
      { kind: "answer", status: 503 },
    );
    const result = await new Patient({ apiKey: fake.apiKey, apiUrl: fake.apiUrl }).send(mail);
    expect(result.attempts.map(({ status, delay }) => [status, delay])).toEqual([
      [503, 0],
      [429, 0.02],
      [503, 0.04],
      [200, undefined],
    ]);
    expect(fake.requests.map(({ headers }) => headers["x-app"])).toEqual(Array(4).fill("shop"));
  });

  it("explains an error answer, without the key", async () => {
    const error = await create({ apiKey: "made-up-wrong-key" })
      .send(mail)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    // A 500 like all its errors, but this one says for sure that nothing was sent.
    expect(error).toMatchObject({ code: "Invalid_Key", status: 500, delivery: "not-sent", retryable: false });
    expect((error as Error).message).toContain("Invalid API key");
    expect(JSON.stringify(error)).not.toContain("made-up-wrong-key");
  });

  it("refuses at run time what it refuses at compile time", async () => {
    const amp = { ...mail, amp: "<html amp4email>" };
    // @ts-expect-error Mandrill has no AMP
    await expect(create().send(amp)).rejects.toThrow(UnsupportedFeatureError);
    // @ts-expect-error Mandrill has no AMP
    await expect(create().send({ ...amp, amp: "x" })).rejects.toMatchObject({
      provider: "Mandrill",
      field: "amp",
    });
    expect(fake.requests).toEqual([]);
  });

  it("names what is missing or unknown among its options", async () => {
    // Missing, it is reported at first use: modules are imported where no keys are, too.
    for (const use of [mandrill({ apiKey: "" }).ready(), mandrill({ apiKey: "" }).send(mail)]) {
      const error = await use.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(String(error)).toContain('option "apiKey" is required: pass it or set MANDRILL_API_KEY');
    }
    expect(() => mandrill({ apikey: "made-up" } as MandrillOptions)).toThrow('Did you mean "apiKey"?');
    expect(() => create({ apiUrl: "ftp://example.com" })).toThrow('option "apiUrl"');
    expect(() => create({ timeout: 0 })).toThrow('"timeout" must be a number of milliseconds');
    expect(() => create({ retry: { totl: 3 } as never })).toThrow('Unknown retry option "totl"');
    expect(() => create({ unsupported: "ignore" as never })).toThrow('"unsupported" must be one of');
  });

  it("tells a refusal from an error that says nothing of the mail", async () => {
    const body = (name: string) => JSON.stringify({ status: "error", code: -2, name, message: "no" });
    const send = () =>
      create({ retry: { total: 1, status: 1, statusForcelist: [500], backoffFactor: 0 } })
        .send(mail)
        .catch((error: unknown) => error);
    fake.script({ kind: "answer", status: 500, body: body("GeneralError") });
    fake.script({ kind: "answer", status: 500, body: body("ValidationError") });
    expect(await send()).toMatchObject({ code: "ValidationError", delivery: "unknown", retryable: false });
    fake.script({ kind: "answer", status: 500, body: body("GeneralError") });
    const error = await create({ retry: false })
      .send(mail)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "GeneralError", delivery: "unknown" });
  });

  it("says why a recipient is rejected, and why a message waits", async () => {
    const entries = [
      { email: "grace@example.org", status: "rejected", reject_reason: "unsub", _id: "1" },
      { email: "b@example.org", status: "queued", queued_reason: "hourly-quota-exhausted", _id: "2" },
      { email: "c@example.org", status: "rejected", reject_reason: "new-word", _id: "3" },
      { email: "d@example.org", status: "sent", reject_reason: null, queued_reason: null, _id: "4" },
    ];
    fake.script({ kind: "answer", status: 200, body: JSON.stringify(entries) });
    const to = entries.map(({ email }) => email);
    const { recipients } = await create().send({ ...mail, to });
    expect(to.map((address) => recipients[address]?.reason)).toEqual([
      { code: "unsub", message: "the recipient has unsubscribed", retryable: false },
      { code: "hourly-quota-exhausted", message: "the hourly quota is used up", retryable: false },
      { code: "new-word", message: "new-word", retryable: false },
      undefined,
    ]);
  });

  it("makes a request for each recipient where they have their own headers", async () => {
    const to = ["grace@example.org", "b@example.org"];
    const message = {
      ...mail,
      to,
      mergeHeaders: { "b@example.org": { "X-Id": "2" } },
      mergeData: { "grace@example.org": { name: "Grace" } },
    };
    const requests = await create().dryRun(message);
    expect(requests.map((request) => shown(request).body.message)).toMatchObject([
      { to: [{ email: "grace@example.org" }], global_merge_vars: [{ name: "name", content: "Grace" }] },
      { to: [{ email: "b@example.org" }], headers: { "X-Id": "2" } },
    ]);
    await expect(create({ batch: "native" }).dryRun(message)).rejects.toMatchObject({
      field: "mergeHeaders",
    });
    const result = await create().send(message);
    expect(Object.keys(result.recipients)).toEqual(to);
  });

  it("leaves out what is empty", async () => {
    const [request] = await create().dryRun({
      ...mail,
      metadata: {},
      mergeGlobalData: {},
      mergeData: { "grace@example.org": {} },
      mergeMetadata: {},
    });
    expect(Object.keys(JSON.parse(String(request?.body)).message)).toEqual([
      "from_email",
      "from_name",
      "to",
      "subject",
      "text",
      "preserve_recipients",
    ]);
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
      envelopeSender: "bounces@bounce.example.com",
      metadata: { order: 7 },
      sendAt: "2030-01-02T03:04:05Z",
      tags: ["welcome"],
      trackClicks: false,
      trackOpens: true,
      templateId: "welcome",
      mergeGlobalData: { site: "Shop" },
      mergeData: { "grace@example.org": { name: "Grace" } },
      mergeMetadata: { "grace@example.org": { id: 1 } },
    };
    const [request] = await create({ apiUrl: undefined }).dryRun(full);
    expect(shown(request)).toMatchInlineSnapshot(`
      {
        "body": {
          "key": "[redacted]",
          "message": {
            "attachments": [
              {
                "content": "YQ==",
                "name": "a.txt",
                "type": "text/plain",
              },
            ],
            "from_email": "ada@example.com",
            "from_name": "Ada",
            "global_merge_vars": [
              {
                "content": "Shop",
                "name": "site",
              },
            ],
            "headers": {
              "Reply-To": "reply@example.com",
              "X-Own": "1",
            },
            "html": "<p>Hi</p>",
            "merge_vars": [
              {
                "rcpt": "grace@example.org",
                "vars": [
                  {
                    "content": "Grace",
                    "name": "name",
                  },
                ],
              },
            ],
            "metadata": {
              "order": 7,
            },
            "preserve_recipients": false,
            "recipient_metadata": [
              {
                "rcpt": "grace@example.org",
                "values": {
                  "id": 1,
                },
              },
            ],
            "return_path_domain": "bounce.example.com",
            "subject": "Hello",
            "tags": [
              "welcome",
            ],
            "text": "Hi",
            "to": [
              {
                "email": "grace@example.org",
                "name": "Grace",
                "type": "to",
              },
              {
                "email": "c@example.org",
                "type": "cc",
              },
              {
                "email": "b@example.org",
                "type": "bcc",
              },
            ],
            "track_clicks": false,
            "track_opens": true,
          },
          "send_at": "2030-01-02 03:04:05",
          "template_content": [],
          "template_name": "welcome",
        },
        "headers": {
          "accept": "application/json",
          "content-type": "application/json",
        },
        "method": "POST",
        "url": "https://mandrillapp.com/api/1.0/messages/send-template.json",
      }
    `);
  });

  it("merges espExtra at every depth, dictionaries for Mandrill's lists among it", async () => {
    const [request] = await create().dryRun({
      ...mail,
      headers: { "X-Own": "1" },
      metadata: { user: 7 },
      templateId: "welcome",
      espExtra: {
        async: true,
        template_content: { main: "<p>Hi</p>" },
        message: {
          headers: { "X-Other": "2" },
          metadata: { site: "shop" },
          merge_vars: { "grace@example.org": { name: "Grace" } },
          global_merge_vars: { site: "Shop" },
          recipient_metadata: { "grace@example.org": { id: 1 } },
          important: true,
        },
      },
    });
    expect(JSON.parse(String(request?.body))).toMatchObject({
      async: true,
      template_name: "welcome",
      template_content: [{ name: "main", content: "<p>Hi</p>" }],
      message: {
        subject: "Hello",
        headers: { "X-Own": "1", "X-Other": "2" },
        metadata: { user: 7, site: "shop" },
        merge_vars: [{ rcpt: "grace@example.org", vars: [{ name: "name", content: "Grace" }] }],
        global_merge_vars: [{ name: "site", content: "Shop" }],
        recipient_metadata: [{ rcpt: "grace@example.org", values: { id: 1 } }],
        important: true,
      },
    });
  });
});
