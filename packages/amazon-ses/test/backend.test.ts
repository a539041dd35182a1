import { createHash, createHmac } from "node:crypto";
import { ApiError, type Message, UnsupportedFeatureError } from "@posthorn/core";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AmazonSesBackend, type AmazonSesOptions, amazonSes } from "../src/index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer({ respond: () => ({ kind: "answer", body: '{"MessageId":"m1"}' }) });
});
afterEach(() => server.reset());
afterAll(() => server.close());

const keys = { accessKeyId: "AKIAMADEUP", secretAccessKey: "made-up-secret", region: "eu-west-1" };
const create = (options: AmazonSesOptions = {}): AmazonSesBackend =>
  amazonSes({ ...keys, apiUrl: server.url, ...options });
const mail = {
  from: "Ada <ada@example.com>",
  to: ["grace@example.org"],
  subject: "Hello",
  text: "Hi",
} satisfies Message;
const template = { from: mail.from, to: mail.to, templateId: "welcome" } satisfies Message;
const sent = (index = 0): Record<string, unknown> =>
  JSON.parse(server.requests[index]?.body.toString() ?? "{}") as Record<string, unknown>;

describe("files", () => {
  const bytes = (size: number): Uint8Array<ArrayBuffer> =>
    new Uint8Array(size).map((_, index) => (index * 31) % 251);
  const LARGE = bytes(1_000_000);
  const stream = (): ReadableStream<Uint8Array> => new Blob([LARGE]).stream();
  const contentOf = (index = 0): { Simple?: Record<string, unknown>; Raw?: { Data: string } } =>
    sent(index)["Content"] as object;

  it("that are large are SES's own attachments, encoded once, and the request is signed as a whole", async () => {
    await create().send({
      ...mail,
      attachments: [
        { filename: "large.bin", content: stream() },
        { filename: "small.txt", content: "x" },
      ],
    });
    expect(contentOf()).toEqual({
      Simple: {
        Subject: { Data: "Hello", Charset: "UTF-8" },
        Body: { Text: { Data: "Hi", Charset: "UTF-8" } },
        Attachments: [
          {
            FileName: "large.bin",
            ContentType: "application/octet-stream",
            ContentDisposition: "ATTACHMENT",
            ContentTransferEncoding: "BASE64",
            RawContent: Buffer.from(LARGE).toString("base64"),
          },
          {
            FileName: "small.txt",
            ContentType: "text/plain",
            ContentDisposition: "ATTACHMENT",
            ContentTransferEncoding: "BASE64",
            RawContent: "eA==",
          },
        ],
      },
    });
    expectSigned(server.requests[0]);
  });

  const large = { filename: "large.bin", content: LARGE };
  it.each<[string, Partial<Message>]>([
    ["small", { attachments: [{ filename: "a.txt", content: "x" }] }],
    [
      "inline",
      { html: "<p>", attachments: [large, { content: "x", contentType: "image/png", contentId: "a@b" }] },
    ],
    ["without a name", { attachments: [{ content: LARGE, contentType: "application/pdf" }] }],
    ["of a name beyond ASCII", { attachments: [{ ...large, filename: "účet.bin" }] }],
    ["of a type with parameters", { attachments: [{ ...large, contentType: "text/csv; charset=utf-8" }] }],
    ["beside AMP", { amp: "<html amp4email>", html: "<p>", attachments: [large] }],
  ])("that are %s are in raw MIME", async (_, parts) => {
    await create().send({ ...mail, ...parts } as typeof mail);
    const mime = Buffer.from(contentOf().Raw?.Data ?? "", "base64").toString();
    expect(mime).toContain("Content-Transfer-Encoding: base64\r\n");
    expect(mime.endsWith("--\r\n")).toBe(true);
    expectSigned(server.requests[0]);
  });

  /** Signature Version 4 by Node's own hashes, over what arrived. */
  function expectSigned(request: FaultServer["requests"][number] | undefined): void {
    if (!request) throw new Error("nothing arrived");
    const { method, path, headers, body } = request;
    const [, scope = "", names = "", signature] =
      /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
        headers["authorization"] ?? "",
      ) ?? [];
    const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
    const lines = names.split(";").map((name) => `${name}:${headers[name]}`);
    const canonical = [method, path, "", ...lines, "", names, sha256(body)].join("\n");
    const key = scope
      .split("/")
      .reduce<string | Buffer>(
        (secret, part) => createHmac("sha256", secret).update(part).digest(),
        `AWS4${keys.secretAccessKey}`,
      );
    const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
    expect(signature).toBe(createHmac("sha256", key).update(text).digest("hex"));
  }
});

describe("amazonSes", () => {
  it("sends simple content where that will do, and raw MIME where not", async () => {
    const result = await create({ configurationSetName: "set", messageTagName: "kind" }).send({
      ...mail,
      html: "<p>",
      tags: ["welcome"],
    });
    expect(result.recipients).toEqual({ "grace@example.org": { status: "queued", messageId: "m1" } });
    expect(server.requests[0]?.path).toBe("/v2/email/outbound-emails");
    expect(sent()).toEqual({
      FromEmailAddress: "Ada <ada@example.com>",
      Destination: { ToAddresses: ["grace@example.org"] },
      ConfigurationSetName: "set",
      EmailTags: [{ Name: "kind", Value: "welcome" }],
      Content: {
        Simple: {
          Subject: { Data: "Hello", Charset: "UTF-8" },
          Body: { Text: { Data: "Hi", Charset: "UTF-8" }, Html: { Data: "<p>", Charset: "UTF-8" } },
          Headers: [{ Name: "X-Tag", Value: "welcome" }],
        },
      },
    });
    await create().send({ ...mail, attachments: [{ filename: "a.txt", content: "x" }] });
    const { Raw } = sent(1)["Content"] as { Raw: { Data: string } };
    expect(Buffer.from(Raw.Data, "base64").toString()).toContain('filename="a.txt"');
  });

  it("tries again when credentials cannot be had, since nothing was sent", async () => {
    let asked = 0;
    const credentials = (): { accessKeyId: string; secretAccessKey: string } => {
      if (++asked === 1) throw new Error("the metadata service does not answer");
      return { accessKeyId: "ASIAMADEUP", secretAccessKey: "made-up-other" };
    };
    const { attempts } = await create({ credentials }).send(mail);
    expect(attempts).toMatchObject([{ class: "connect" }, { status: 200 }]);
    asked = 0;
    await expect(create({ credentials, retry: false }).send(mail)).rejects.toMatchObject({
      phase: "connect",
      delivery: "not-sent",
      retryable: true,
    });
  });

  it("signs each attempt anew, with credentials asked for then", async () => {
    let asked = 0;
    const backend = create({
      accessKeyId: undefined,
      secretAccessKey: undefined,
      credentials: () => ({
        accessKeyId: `AKIA${++asked}`,
        secretAccessKey: "made-up",
        sessionToken: "made-up-token",
      }),
    });
    server.script({ kind: "answer", status: 429 });
    await backend.send(mail);
    const headers = server.requests.map((request) => request.headers);
    expect(
      headers.map(
        ({ authorization }) => /Credential=(\w+)\/\d{8}\/eu-west-1\/ses/.exec(authorization ?? "")?.[1],
      ),
    ).toEqual(["AKIA1", "AKIA2"]);
    expect(headers[0]?.["x-amz-security-token"]).toBe("made-up-token");
  });

  it("sends templates in bulk, 50 entries at a time, and puts the results together", async () => {
    server.decide((request) => {
      const entries = (JSON.parse(request.body.toString()) as { BulkEmailEntries: unknown[] })
        .BulkEmailEntries;
      const results = entries.map((_, index) =>
        index === 1
          ? { Status: "MESSAGE_REJECTED", Error: "no" }
          : { Status: "SUCCESS", MessageId: `b${index}` },
      );
      return { kind: "answer", body: JSON.stringify({ BulkEmailEntryResults: results }) };
    });
    const to = Array.from({ length: 51 }, (_, index) => `r${index}@example.org`);
    const result = await create().send({
      ...template,
      to,
      mergeGlobalData: { site: "x" },
      mergeData: { "r0@example.org": { name: "Zero" } },
      mergeMetadata: { "r0@example.org": { id: 1 } },
      mergeHeaders: { "r0@example.org": { "X-A": "1" } },
    });
    expect(server.requests.map(({ path }) => path)).toEqual(Array(2).fill("/v2/email/outbound-bulk-emails"));
    expect(sent()).toMatchObject({
      DefaultContent: { Template: { TemplateName: "welcome", TemplateData: '{"site":"x"}' } },
    });
    expect((sent()["BulkEmailEntries"] as unknown[])[0]).toEqual({
      Destination: { ToAddresses: ["r0@example.org"] },
      ReplacementEmailContent: { ReplacementTemplate: { ReplacementTemplateData: '{"name":"Zero"}' } },
      ReplacementHeaders: [
        { Name: "X-A", Value: "1" },
        { Name: "X-Metadata", Value: '{"id":1}' },
      ],
    });
    expect(Object.keys(result.recipients)).toEqual(to);
    expect(result.recipients["r1@example.org"]).toEqual({
      status: "failed",
      messageId: null,
      reason: { code: "MESSAGE_REJECTED", message: "no", retryable: false },
    });
    expect(result.recipients["r50@example.org"]).toEqual({ status: "queued", messageId: "b0" });
  });

  it.each<[string, Message, string]>([
    [
      "merge data without a template",
      { ...mail, mergeData: { "grace@example.org": { name: "Grace" } } },
      "mergeData",
    ],
    ["common merge data without a template", { ...mail, mergeGlobalData: { site: "x" } }, "mergeGlobalData"],
    ["an endpoint of several regions", { ...mail, espExtra: { EndpointId: "abc.123" } }, "espExtra"],
    ["a type of its own in headers", { ...mail, headers: { "Content-Type": "text/calendar" } }, "headers"],
    ["an empty header with a template", { ...template, headers: { "X-Empty": "" } }, "headers"],
    ["a long tag with a template", { ...template, tags: ["x".repeat(996)] }, "tags"],
    [
      "16 headers with a template",
      { ...template, headers: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`X-${i}`, "1"])) },
      "headers",
    ],
    ["several authors", { ...mail, from: "a@example.com, b@example.com" }, "from"],
    ["a subject with a template", { ...template, subject: "no" }, "subject"],
    ["a text with a template", { ...template, text: "no" }, "text"],
    ["HTML with a template", { ...template, html: "no" }, "html"],
    ["a local part beyond ASCII", { ...mail, to: ["тест@example.org"] }, "to"],
  ])("refuses %s", async (_, message, field) => {
    const error = await create()
      .send(message as never)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnsupportedFeatureError);
    expect(error).toMatchObject({ field });
    expect(server.requests).toEqual([]);
  });

  it("makes errors of answers that say no", async () => {
    server.script(
      { kind: "answer", body: '{"wrong":"format"}' },
      {
        kind: "answer",
        body: '{"BulkEmailEntryResults":[{"Status":"TEMPLATE_NOT_FOUND","Error":"No template named \'oops\'"}]}',
      },
      { kind: "answer", status: 400, body: '{"message":"Email address is not verified."}' },
    );
    expect(
      await create()
        .send(mail)
        .catch((error: unknown) => error),
    ).toMatchObject({ delivery: "accepted" });
    const missing = await create()
      .send({ ...template, templateId: "oops" })
      .catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(ApiError);
    expect(missing).toMatchObject({ delivery: "not-sent", code: "TEMPLATE_NOT_FOUND" });
    const refused = await create()
      .send(mail)
      .catch((error: unknown) => error);
    expect((refused as Error).message).toContain("Email address is not verified.");
  });

  it.each<[string, number, Record<string, string>, object, object]>([
    [
      "a header, up to its colon",
      400,
      { "x-amzn-errortype": "MessageRejected:http://internal.amazon.com/coral/" },
      { message: "Email address is not verified." },
      { code: "MessageRejected", retryable: false },
    ],
    ["code", 400, {}, { code: "BadRequestException", message: "no" }, { code: "BadRequestException" }],
    [
      "__type, after its namespace",
      403,
      {},
      { __type: "com.amazon.coral.service#AccessDeniedException", Message: "no" },
      { code: "AccessDeniedException" },
    ],
  ])("reads an error's name from %s", async (_, status, headers, body, expected) => {
    server.script({ kind: "answer", status, headers, body: JSON.stringify(body) });
    const error = await create()
      .send(mail)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ delivery: "not-sent", ...expected });
    expect(String(error)).not.toContain("undefined");
  });

  const throttled = (message: string, name = "ThrottlingException") => ({
    kind: "answer" as const,
    status: 400,
    headers: { "x-amzn-errortype": name },
    body: JSON.stringify({ message }),
  });
  const quick = { total: 3, backoffFactor: 0 };

  it("waits and tries again when it is throttled, but not for the quota of a day", async () => {
    server.script(
      throttled("Rate exceeded"),
      throttled("Maximum sending rate exceeded.", "TooManyRequestsException"),
    );
    const { attempts } = await create({ retry: quick }).send(mail);
    expect(attempts.map(({ status }) => status)).toEqual([400, 400, 200]);
    server.reset();
    server.script(throttled("Daily message quota exceeded."));
    const error = await create({ retry: quick })
      .send(mail)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ThrottlingException", retryable: false, delivery: "not-sent" });
    expect(server.requests).toHaveLength(1);
  });

  describe("when this machine's clock is wrong", () => {
    const TRUE_TIME = Date.UTC(2031, 2, 3, 12, 0, 0);
    const stamp = (time: number): string => new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, "");
    const signedAt = (index: number): string | undefined => server.requests[index]?.headers["x-amz-date"];
    const skewed = (message: string) => ({
      kind: "answer" as const,
      status: 403,
      headers: { "x-amzn-errortype": "InvalidSignatureException", date: new Date(TRUE_TIME).toUTCString() },
      body: JSON.stringify({ message }),
    });
    const now = Date.now();

    it("signs once more with the time of the response, and all requests after that", async () => {
      server.script(
        skewed(`Signature expired: ${stamp(now)} is now earlier than ${stamp(TRUE_TIME)} (5 min.)`),
      );
      const backend = create({ retry: quick });
      const { attempts } = await backend.send(mail);
      expect(attempts.map(({ status }) => status)).toEqual([403, 200]);
      await backend.send(mail);
      for (const index of [1, 2]) expect(signedAt(index)?.slice(0, 11)).toBe(stamp(TRUE_TIME).slice(0, 11));
    });

    it("does so once, and not where the time was right", async () => {
      const wrongKey = "The request signature we calculated does not match the signature you provided.";
      server.script(skewed(wrongKey), skewed(wrongKey));
      const backend = create({ retry: quick });
      await expect(backend.send(mail)).rejects.toMatchObject({ code: "InvalidSignatureException" });
      expect(server.requests).toHaveLength(2);
      server.script(skewed(wrongKey));
      await expect(backend.send(mail)).rejects.toMatchObject({ retryable: false });
      expect(server.requests).toHaveLength(3);
    });
  });

  it("has an endpoint in each partition", async () => {
    for (const [region, host] of [
      ["eu-west-1", "email.eu-west-1.amazonaws.com"],
      ["us-gov-east-1", "email.us-gov-east-1.amazonaws.com"],
      ["cn-north-1", "email.cn-north-1.amazonaws.com.cn"],
      ["eusc-de-east-1", "email.eusc-de-east-1.amazonaws.eu"],
    ] as const) {
      const [request] = await amazonSes({ ...keys, region }).dryRun(mail);
      expect(new URL(request?.url ?? "").host).toBe(host);
    }
  });

  it.each<[string, Record<string, string>]>([
    ["an empty header", { "X-Empty": "" }],
    ["more than 15 headers", Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`X-${i}`, "1"]))],
    ["a Message-ID", { "Message-ID": "<own@example.com>" }],
  ])("sends raw MIME with %s", async (_, headers) => {
    await create().send({ ...mail, headers });
    const { Raw } = sent()["Content"] as { Raw: { Data: string } };
    const mime = Buffer.from(Raw.Data, "base64").toString();
    for (const [name, value] of Object.entries(headers)) expect(mime).toContain(`\r\n${name}: ${value}\r\n`);
  });

  it("sends headers of 995 characters as simple content, of more raw", async () => {
    await create().send({ ...mail, headers: { "X-Long": "x".repeat(995) } });
    expect(sent()["Content"]).toHaveProperty("Simple");
    await create().send({ ...mail, headers: { "X-Long": "x".repeat(996) } });
    expect(sent(1)["Content"]).toHaveProperty("Raw");
  });

  it("has headers of the content's own form once, whatever the caller gives", async () => {
    const headers = {
      "mime-version": "1.0",
      "Content-Type": "text/html",
      "content-transfer-encoding": "8bit",
    };
    await create().send({ ...mail, headers });
    await create().send({ ...mail, headers, attachments: [{ filename: "a.txt", content: "x" }] });
    expect(sent()["Content"]).not.toHaveProperty("Simple.Headers");
    const { Raw } = sent(1)["Content"] as { Raw: { Data: string } };
    const [head = ""] = Buffer.from(Raw.Data, "base64").toString().split("\r\n\r\n");
    for (const name of ["MIME-Version", "Content-Type"])
      expect(head.match(new RegExp(`^${name}:`, "gim"))).toHaveLength(1);
    expect(head).not.toContain("8bit");
  });

  it("switches tracking by message", async () => {
    await create().send({ ...mail, trackOpens: true, trackClicks: false });
    await create().send({ ...template, trackOpens: false });
    expect(sent()["ConfigurationOverrides"]).toEqual({
      Tracking: { OpenTrackingEnabled: "ENABLED", ClickTrackingEnabled: "DISABLED" },
    });
    expect(sent(1)["ConfigurationOverrides"]).toEqual({ Tracking: { OpenTrackingEnabled: "DISABLED" } });
  });

  it("sends files with a template, and headers in ASCII", async () => {
    await create().send({
      ...template,
      headers: { "X-Note": "Kůň" },
      metadata: { note: "ů", n: 1 },
      attachments: [
        { filename: "účet.ics", content: "x", contentType: "text/calendar; method=REQUEST" },
        { content: "y", contentType: "image/png", contentId: "logo@x" },
      ],
    });
    expect(sent()["DefaultContent"]).toEqual({
      Template: {
        TemplateName: "welcome",
        TemplateData: "{}",
        Headers: [
          { Name: "X-Note", Value: `=?utf-8?b?${Buffer.from("Kůň").toString("base64")}?=` },
          { Name: "X-Metadata", Value: '{"note":"\\u016f","n":1}' },
        ],
        Attachments: [
          {
            FileName: "účet.ics",
            ContentType: "text/calendar; method=REQUEST",
            ContentDisposition: "ATTACHMENT",
            ContentTransferEncoding: "BASE64",
            RawContent: "eA==",
          },
          {
            FileName: "logo@x",
            ContentType: "image/png",
            ContentDisposition: "INLINE",
            ContentId: "logo@x",
            ContentTransferEncoding: "BASE64",
            RawContent: "eQ==",
          },
        ],
      },
    });
  });

  it("sends templates one by one where list management is asked for", async () => {
    const ListManagementOptions = { ContactListName: "news" };
    await create().send({
      ...template,
      to: ["a@example.org", "b@example.org"],
      mergeGlobalData: { site: "x", name: "you" },
      mergeData: { "b@example.org": { name: "B" } },
      espExtra: { ListManagementOptions },
    });
    expect(server.requests.map(({ path }) => path)).toEqual(Array(2).fill("/v2/email/outbound-emails"));
    expect(sent(1)).toMatchObject({
      Destination: { ToAddresses: ["b@example.org"] },
      Content: { Template: { TemplateName: "welcome", TemplateData: '{"site":"x","name":"B"}' } },
      ListManagementOptions,
    });
  });

  it("takes templates that are given in the request", async () => {
    const TemplateContent = { Subject: "Hello {{name}}", Text: "Hi {{name}}" };
    const given = { from: mail.from, to: mail.to, mergeGlobalData: { name: "Grace" } };
    await create().send({ ...given, espExtra: { Content: { Template: { TemplateContent } } } });
    expect(sent()["Content"]).toEqual({ Template: { TemplateContent, TemplateData: '{"name":"Grace"}' } });
    await create().send({
      ...given,
      mergeData: { "grace@example.org": { name: "G." } },
      templateId: "welcome",
      espExtra: { DefaultContent: { Template: { TemplateContent } } },
    });
    expect(server.requests[1]?.path).toBe("/v2/email/outbound-bulk-emails");
    expect(sent(1)["DefaultContent"]).toEqual({
      Template: { TemplateContent, TemplateData: '{"name":"Grace"}' },
    });
  });

  it("sends a batch without a template as one message each", async () => {
    server.decide((request) => {
      const [to] = (JSON.parse(request.body.toString()) as { Destination: { ToAddresses: string[] } })
        .Destination.ToAddresses;
      return { kind: "answer", body: JSON.stringify({ MessageId: `id of ${to}` }) };
    });
    const result = await create().send({
      ...mail,
      to: ["a@example.org", "b@example.org"],
      headers: { "X-A": "common", "X-B": "common" },
      mergeHeaders: { "a@example.org": { "X-A": "own" } },
      mergeMetadata: { "b@example.org": { id: 2 } },
    });
    expect(result.recipients).toEqual({
      "a@example.org": { status: "queued", messageId: "id of a@example.org" },
      "b@example.org": { status: "queued", messageId: "id of b@example.org" },
    });
    expect(
      [sent(0), sent(1)].map(({ Content }) => (Content as { Simple: { Headers: unknown } }).Simple.Headers),
    ).toEqual([
      [
        { Name: "X-B", Value: "common" },
        { Name: "X-A", Value: "own" },
      ],
      [
        { Name: "X-A", Value: "common" },
        { Name: "X-B", Value: "common" },
        { Name: "X-Metadata", Value: '{"id":2}' },
      ],
    ]);
  });

  it("says of a bulk request that was all throttled that it may be sent again", async () => {
    for (const [statuses, retryable] of [
      [["ACCOUNT_THROTTLED", "TRANSIENT_FAILURE"], true],
      [["ACCOUNT_THROTTLED", "ACCOUNT_DAILY_QUOTA_EXCEEDED"], false],
    ] as const) {
      const BulkEmailEntryResults = statuses.map((Status) => ({ Status }));
      server.script({ kind: "answer", body: JSON.stringify({ BulkEmailEntryResults }) });
      const error = await create()
        .send({ ...template, to: ["a@example.org", "b@example.org"], mergeData: {} })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "ACCOUNT_THROTTLED", delivery: "not-sent", retryable });
    }
  });

  it("needs a region and credentials", async () => {
    await expect(amazonSes({ ...keys, region: "" }).ready()).rejects.toThrow('"region" is required');
    expect(() => amazonSes({ ...keys, region: "evil.example/" })).toThrow("region");
    await expect(amazonSes({ region: "eu-west-1" }).ready()).rejects.toThrow('"accessKeyId" is required');
  });
});

describe("the whole request", () => {
  it("of a message with everything", async () => {
    const [request] = await create({ apiUrl: undefined, configurationSetName: "set" }).dryRun({
      from: '"Ada, Ltd" <ada@example.com>',
      to: ["Grace <grace@example.org>", "linus@example.org"],
      cc: ["Copy <copy@example.org>"],
      bcc: ["archive@example.com"],
      replyTo: ["Help <help@example.com>", "sales@example.com"],
      subject: "Kůň",
      text: "Hello",
      html: "<p>Hello</p>",
      headers: { "X-Own": "1", "List-Unsubscribe": "<https://example.com/u>" },
      envelopeSender: "bounces@example.com",
      metadata: { user: 42, plan: "pro" },
      tags: ["welcome"],
      trackOpens: true,
      trackClicks: false,
    });
    const { method, url, body } = request ?? {};
    expect({ method, url, body: JSON.parse(String(body)) }).toMatchInlineSnapshot(`
      {
        "body": {
          "ConfigurationOverrides": {
            "Tracking": {
              "ClickTrackingEnabled": "DISABLED",
              "OpenTrackingEnabled": "ENABLED",
            },
          },
          "ConfigurationSetName": "set",
          "Content": {
            "Simple": {
              "Body": {
                "Html": {
                  "Charset": "UTF-8",
                  "Data": "<p>Hello</p>",
                },
                "Text": {
                  "Charset": "UTF-8",
                  "Data": "Hello",
                },
              },
              "Headers": [
                {
                  "Name": "X-Own",
                  "Value": "1",
                },
                {
                  "Name": "List-Unsubscribe",
                  "Value": "<https://example.com/u>",
                },
                {
                  "Name": "X-Metadata",
                  "Value": "{"user":42,"plan":"pro"}",
                },
                {
                  "Name": "X-Tag",
                  "Value": "welcome",
                },
              ],
              "Subject": {
                "Charset": "UTF-8",
                "Data": "Kůň",
              },
            },
          },
          "Destination": {
            "BccAddresses": [
              "archive@example.com",
            ],
            "CcAddresses": [
              "Copy <copy@example.org>",
            ],
            "ToAddresses": [
              "Grace <grace@example.org>",
              "linus@example.org",
            ],
          },
          "FeedbackForwardingEmailAddress": "bounces@example.com",
          "FromEmailAddress": ""Ada, Ltd" <ada@example.com>",
          "ReplyToAddresses": [
            "Help <help@example.com>",
            "sales@example.com",
          ],
        },
        "method": "POST",
        "url": "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails",
      }
    `);
  });
});
