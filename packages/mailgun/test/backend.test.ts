import { ApiError, type DryRunRequest } from "@posthorn/core";
import { systemClock } from "@posthorn/core/provider";
import { type FakeProvider, startFakeMailgun } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type MailgunBackend, type MailgunOptions, mailgun } from "../src/index.js";

let fake: FakeProvider;
beforeAll(async () => {
  fake = await startFakeMailgun();
});
afterEach(() => fake.reset());
afterAll(() => fake.close());

const create = (options: MailgunOptions = {}): MailgunBackend =>
  mailgun({ apiKey: fake.apiKey, apiUrl: fake.apiUrl, ...options });
const mail = { from: "ada@example.com", to: ["grace@example.org"], subject: "Hello", text: "Hi" };
const fields = (request: DryRunRequest | undefined): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(String(request?.body)));
/** The parts of a request that go over the wire. */
const shown = ({ method, url, headers, body } = {} as Partial<DryRunRequest>) => ({
  method,
  url,
  headers,
  body: [...new URLSearchParams(String(body))],
});

describe("mailgun", () => {
  it("uploads attachments and inline images as files", async () => {
    await create().send({
      ...mail,
      attachments: [
        { filename: "účet.csv", content: "a,b" },
        { content: new Uint8Array([1, 2]), contentType: "image/png", contentId: "logo@example.com" },
      ],
    });
    const payload = fake.messages.at(-1)?.payload as Record<
      string,
      { filename: string; contentType: string; content: Buffer }[]
    >;
    expect(
      payload["attachment"]?.map(({ filename, contentType, content }) => [
        filename,
        contentType,
        content.toString(),
      ]),
    ).toEqual([["účet.csv", "text/csv", "a,b"]]);
    expect(payload["inline"]?.map(({ filename, content }) => [filename, [...content]])).toEqual([
      ["logo@example.com", [1, 2]],
    ]);
  });

  it("splits a batch at 1,000 recipients and puts the results together", async () => {
    const to = Array.from({ length: 2_001 }, (_, index) => `r${index}@example.org`);
    const result = await create().send({ ...mail, to, mergeData: {} });
    expect(fake.requests).toHaveLength(3);
    expect(Object.keys(result.recipients)).toEqual(to);
    expect(new Set(Object.values(result.recipients).map(({ messageId }) => messageId)).size).toBe(3);
  });

  it("tells which recipients of a split batch went and which did not", async () => {
    const to = Array.from({ length: 1_001 }, (_, index) => `r${index}@example.org`);
    fake.decide((_, index) => (index === 1 ? { kind: "answer", status: 500 } : undefined));
    const result = await create().send({ ...mail, to, mergeData: {} });
    expect(result.status).toBe("mixed");
    expect(result.recipients["r999@example.org"]?.status).toBe("queued");
    expect(result.recipients["r1000@example.org"]).toMatchObject({
      status: "unknown",
      messageId: null,
      reason: { message: "Mailgun answered 500: {}", retryable: false },
    });
    expect(result.errors.map(({ delivery }) => delivery)).toEqual(["unknown"]);
  });

  it("writes metadata and template variables that are no text as JSON, and sees to its own extras", async () => {
    const [request] = await create().dryRun({
      ...mail,
      metadata: { list: ["a", 1], n: 5 },
      trackClicks: false,
      trackOpens: true,
      espExtra: { "o:testmode": "yes", "o:tag": ["x", "y"], sender_domain: "mg.example.com" },
    });
    expect(fields(request)).toMatchObject({
      "v:list": '["a",1]',
      "v:n": "5",
      "o:tracking-clicks": "no",
      "o:tracking-opens": "yes",
      "o:testmode": "yes",
    });
    expect(new URLSearchParams(String(request?.body)).getAll("o:tag")).toEqual(["x", "y"]);
    expect(request?.url).toBe(`${fake.apiUrl}/mg.example.com/messages`);
  });

  it("gives a template outside of a batch values of any kind, in one field", async () => {
    const mergeGlobalData = { items: [{ n: 1 }], total: 5, none: null };
    const [request] = await create().dryRun({ ...mail, templateId: "t", mergeGlobalData });
    const sent = fields(request);
    expect(JSON.parse(sent["t:variables"] ?? "")).toEqual(mergeGlobalData);
    expect(Object.keys(sent)).toEqual(["from", "to", "subject", "text", "template", "t:variables"]);
    expect(
      fields((await create().dryRun({ ...mail, templateId: "t", mergeGlobalData: {} }))[0]),
    ).not.toHaveProperty("t:variables");
  });

  it("refuses lists and objects in a batch with a template, which would become strings", async () => {
    const list = { items: [{ n: 1 }] };
    for (const [field, own] of [
      ["mergeData", { mergeData: { "grace@example.org": list } }],
      ["mergeGlobalData", { mergeData: {}, mergeGlobalData: list }],
    ] as const) {
      await expect(create().dryRun({ ...mail, templateId: "t", ...own })).rejects.toMatchObject({
        name: "UnsupportedFeatureError",
        field,
      });
      const [request] = await create({ unsupported: "drop" }).dryRun({ ...mail, templateId: "t", ...own });
      expect(fields(request)).not.toHaveProperty("v:items");
    }
  });

  it("refuses a name that metadata and a template's merge data share", async () => {
    const own = { templateId: "t", mergeData: { "grace@example.org": { order: "x" } } };
    for (const metadata of [
      { metadata: { order: 1 } },
      { mergeMetadata: { "grace@example.org": { order: 1 } } },
    ]) {
      await expect(create().dryRun({ ...mail, ...own, ...metadata })).rejects.toMatchObject({
        field: "mergeData",
      });
      const [request] = await create({ unsupported: "drop" }).dryRun({ ...mail, ...own, ...metadata });
      expect(new URLSearchParams(String(request?.body)).getAll("v:order")).toHaveLength(1);
    }
    // Without a template the two never meet.
    await create().dryRun({ ...mail, metadata: { order: 1 }, mergeData: own.mergeData });
  });

  it("keeps a recipient's null, which is not the common value", async () => {
    const mergeData = { "grace@example.org": { name: null }, "b@example.org": {} };
    const to = ["grace@example.org", "b@example.org"];
    const [request] = await create().dryRun({ ...mail, to, mergeData, mergeGlobalData: { name: "you" } });
    expect(JSON.parse(fields(request)["recipient-variables"] ?? "")).toEqual({
      "grace@example.org": { name: null },
      "b@example.org": { name: "you" },
    });
  });

  it("writes its switches as yes and no", async () => {
    const espExtra = { "o:testmode": true, "o:dkim": false, "t:text": true, "v:flag": true };
    expect(fields((await create().dryRun({ ...mail, espExtra }))[0])).toMatchObject({
      "o:testmode": "yes",
      "o:dkim": "no",
      "t:text": "yes",
      "v:flag": "true",
    });
  });

  it("takes a template's own sender where the domain is known", async () => {
    const { to } = mail;
    const [request] = await create({ senderDomain: "mg.example.com" }).dryRun({ to, templateId: "t" });
    expect(request?.url).toBe(`${fake.apiUrl}/mg.example.com/messages`);
    expect(Object.keys(fields(request))).toEqual(["to", "template"]);
    await expect(create().dryRun({ to, templateId: "t" })).rejects.toMatchObject({ field: "from" });
  });

  it("reads in words when to try again", async () => {
    const message =
      "Domain mg.example.com is not allowed to send: request limit exceeded, try again after 120 seconds";
    fake.script({ kind: "answer", status: 429, body: JSON.stringify({ message }) });
    const clock = { ...systemClock, now: () => 1_000_000 };
    await expect(create({ retry: false, clock }).send(mail)).rejects.toMatchObject({
      retryable: true,
      retryAt: new Date(1_120_000),
    });
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
      amp: "<html amp4email>",
      envelopeSender: "bounces@mg.example.com",
      metadata: { order: 7 },
      sendAt: "2030-01-02T03:04:05Z",
      tags: ["welcome"],
      trackClicks: false,
      trackOpens: true,
      templateId: "welcome",
      mergeGlobalData: { site: "Shop" },
      mergeData: { "grace@example.org": { name: "Grace" } },
      mergeHeaders: { "grace@example.org": { "X-Own": "2" } },
      mergeMetadata: { "grace@example.org": { id: 1 } },
    };
    const [request] = await create({ apiUrl: "https://api.eu.mailgun.net/v3" }).dryRun(full);
    expect(shown(request)).toMatchInlineSnapshot(`
      {
        "body": [
          [
            "from",
            "Ada <ada@example.com>",
          ],
          [
            "to",
            "Grace <grace@example.org>",
          ],
          [
            "cc",
            "c@example.org",
          ],
          [
            "bcc",
            "b@example.org",
          ],
          [
            "subject",
            "Hello",
          ],
          [
            "h:Reply-To",
            "reply@example.com",
          ],
          [
            "h:X-Own",
            "%recipient.h:X-Own%",
          ],
          [
            "text",
            "Hi",
          ],
          [
            "html",
            "<p>Hi</p>",
          ],
          [
            "amp-html",
            "<html amp4email>",
          ],
          [
            "v:order",
            "7",
          ],
          [
            "o:deliverytime",
            "Wed, 02 Jan 2030 03:04:05 GMT",
          ],
          [
            "o:tag",
            "welcome",
          ],
          [
            "o:tracking-clicks",
            "no",
          ],
          [
            "o:tracking-opens",
            "yes",
          ],
          [
            "template",
            "welcome",
          ],
          [
            "v:id",
            "%recipient.v:id%",
          ],
          [
            "v:name",
            "%recipient.name%",
          ],
          [
            "v:site",
            "%recipient.site%",
          ],
          [
            "recipient-variables",
            "{"grace@example.org":{"v:id":1,"h:X-Own":"2","name":"Grace","site":"Shop"}}",
          ],
        ],
        "headers": {
          "accept": "application/json",
          "authorization": "[redacted]",
          "content-type": "application/x-www-form-urlencoded",
        },
        "method": "POST",
        "url": "https://api.eu.mailgun.net/v3/mg.example.com/messages",
      }
    `);
  });

  it("hides the key in a dry run unless it is asked for", async () => {
    const [hidden] = await create().dryRun(mail);
    expect(hidden?.headers["authorization"]).toBe("[redacted]");
    const [shown] = await create().dryRun(mail, { revealSecrets: true });
    expect(shown?.headers["authorization"]).toBe(`Basic ${btoa(`api:${fake.apiKey}`)}`);
    expect(fake.requests).toEqual([]);
  });

  it("explains an unknown domain, a wrong URL and a wrong key", async () => {
    const unknown = await create({ senderDomain: "mg.unknown.example" })
      .send(mail)
      .catch((error: unknown) => error);
    expect(unknown).toMatchObject({ status: 404, delivery: "not-sent", retryable: false });
    expect((unknown as Error).message).toContain(
      "Domain not found: mg.unknown.example. Is the domain verified",
    );
    const slogan = await create({ apiUrl: `${fake.apiUrl}/nowhere` })
      .send(mail)
      .catch((error: unknown) => error);
    expect(slogan).toMatchObject({ status: 200, delivery: "not-sent" });
    const forbidden = await create({ apiKey: "made-up-wrong" })
      .send(mail)
      .catch((error: unknown) => error);
    expect(forbidden).toBeInstanceOf(ApiError);
    expect(forbidden).toMatchObject({ status: 401, body: "Forbidden" });
  });
});
