import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { scaleway } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Partial<Parameters<typeof scaleway>[0]> = {}) =>
  scaleway({ secretKey: "made-up", projectId: "p1", apiUrl: server.url, ...more });
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

describe("scaleway", () => {
  it("sends in another region, and reads each email's status", async () => {
    answer({
      emails: [
        { id: "1", mail_rcpt: "grace@example.org", status: "sending" },
        { id: "2", mail_rcpt: "b@example.org", status: "failed", status_details: "try later" },
        { id: "3", mail_rcpt: "c@example.org", status: "failed", flags: ["blocklisted"] },
      ],
    });
    const to = ["grace@example.org", "b@example.org", "c@example.org"];
    const backend = create({ region: "nl-ams", apiUrl: `${server.url}/v2/{region}/` });
    const result = await backend.send({ ...mail, to });
    expect(server.requests[0]?.path).toBe("/v2/nl-ams/emails");
    const [byDefault] = await create({ apiUrl: undefined }).dryRun(mail);
    expect(byDefault?.url).toBe(
      "https://api.scaleway.com/transactional-email/v1alpha1/regions/fr-par/emails",
    );
    const reason = { code: "failed", message: "try later", retryable: false };
    expect(result.recipients).toEqual({
      "grace@example.org": { status: "queued", messageId: "1" },
      "b@example.org": { status: "failed", messageId: "2", reason },
      "c@example.org": {
        status: "rejected",
        messageId: "3",
        reason: { code: "blocklisted", message: "blocklisted", retryable: false },
      },
    });
  });

  it("explains errors", async () => {
    answer(
      {
        type: "invalid_arguments",
        message: "invalid argument(s)",
        details: [{ argument_name: "from.email", reason: "constraint" }],
      },
      400,
    );
    const error = await failure(create().send(mail));
    expect(error).toMatchObject({ code: "invalid_arguments" });
    expect(String(error)).toContain("from.email: constraint");
  });

  it("explains quotas, permissions and what is wrong at the moment", async () => {
    const cases = [
      [
        { type: "quotas_exceeded", details: [{ resource: "emails", quota: 300, current: 300 }] },
        "emails: 300 of 300",
      ],
      [{ type: "permissions_denied", details: [{ resource: "email", action: "write" }] }, "write email"],
      [
        { type: "precondition_failed", message: "no", help_message: "domain is not checked" },
        "no; domain is not",
      ],
    ] as const;
    for (const [body, expected] of cases) {
      answer(body, 403);
      const error = await failure(create().send(mail));
      expect(String(error)).toContain(expected);
      expect(String(error)).not.toContain("undefined");
      expect(error).toMatchObject({ code: body.type });
    }
  });

  it("refuses local parts beyond ASCII, which Scaleway would lose", async () => {
    for (const field of ["to", "cc", "bcc", "replyTo"] as const) {
      const message = { ...mail, [field]: ["przykład@example.org"] };
      const error = await failure(create().send(message));
      expect(error).toMatchObject({ name: "UnsupportedFeatureError", field });
    }
    const from = "przykład@example.com";
    expect(await failure(create().send({ ...mail, from }))).toMatchObject({ field: "from" });
    expect(server.requests).toEqual([]);
  });

  it("keeps addresses as they were written, whatever the answer makes of their case", async () => {
    answer({ emails: [{ id: "1", mail_rcpt: "grace@example.org", status: "new" }] });
    const result = await create().send({ ...mail, to: ["Grace@Example.org"] });
    expect(result.recipients).toEqual({ "Grace@Example.org": { status: "queued", messageId: "1" } });
  });

  it("knows what will do better later, and when", async () => {
    answer({ type: "transient_state", message: "resource is in a transient state" }, 409);
    expect(await failure(create({ retry: false }).send(mail))).toMatchObject({
      delivery: "not-sent",
      retryable: true,
    });
    answer({ type: "too_many_requests", message: "slow down", reset_seconds: 120 }, 429);
    const before = Date.now();
    const error = (await failure(create({ retry: false }).send(mail))) as { retryAt?: Date };
    expect(error.retryAt?.getTime()).toBeGreaterThanOrEqual(before + 120_000);
  });

  it("sends a batch as one message for each recipient", async () => {
    for (const [id, mail_rcpt] of [
      ["1", "a@example.org"],
      ["2", "b@example.org"],
    ])
      answer({ emails: [{ id, mail_rcpt, status: "new" }] });
    const to = ["a@example.org", "b@example.org"];
    const metadata = { plan: "pro" };
    const result = await create().send({
      ...mail,
      to,
      metadata,
      mergeMetadata: { "b@example.org": { id: 2 } },
      mergeHeaders: { "a@example.org": { "X-Own": "a" } },
    });
    expect(result.recipients).toEqual({
      "a@example.org": { status: "queued", messageId: "1" },
      "b@example.org": { status: "queued", messageId: "2" },
    });
    const bodies = server.requests.map(({ body }) => JSON.parse(body.toString()));
    expect(bodies.map((body) => [body.to, body.additional_headers])).toEqual([
      [
        [{ email: "a@example.org" }],
        [
          { key: "X-Own", value: "a" },
          { key: "X-Metadata", value: '{"plan":"pro"}' },
        ],
      ],
      [[{ email: "b@example.org" }], [{ key: "X-Metadata", value: '{"plan":"pro","id":2}' }]],
    ]);
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
      html: "<p>Hello</p>",
      headers: { "X-Own": "1", "List-Unsubscribe": "<https://example.com/u>" },
      attachments: [{ filename: "účet.csv", content: "a;b", charset: "utf-8" }],
      metadata: { user: 42, plan: "pro" },
      tags: ["welcome", "new"],
    });
    const { method, url, headers, body } = request ?? {};
    expect({ method, url, headers, body: JSON.parse(String(body)) }).toMatchInlineSnapshot(`
      {
        "body": {
          "additional_headers": [
            {
              "key": "Reply-To",
              "value": "Help <help@example.com>, sales@example.com",
            },
            {
              "key": "X-Own",
              "value": "1",
            },
            {
              "key": "List-Unsubscribe",
              "value": "<https://example.com/u>",
            },
            {
              "key": "X-Metadata",
              "value": "{"user":42,"plan":"pro"}",
            },
            {
              "key": "X-Tags",
              "value": "["welcome","new"]",
            },
          ],
          "attachments": [
            {
              "content": "YTti",
              "name": "účet.csv",
              "type": "text/csv; charset="utf-8"",
            },
          ],
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
          "from": {
            "email": "ada@example.com",
            "name": "Ada, Ltd",
          },
          "html": "<p>Hello</p>",
          "project_id": "p1",
          "subject": "Kůň",
          "text": "Hello",
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
        "headers": {
          "accept": "application/json",
          "content-type": "application/json",
          "x-auth-token": "[redacted]",
        },
        "method": "POST",
        "url": "https://api.scaleway.com/transactional-email/v1alpha1/regions/fr-par/emails",
      }
    `);
  });
});
