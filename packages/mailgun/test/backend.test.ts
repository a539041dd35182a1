import { ApiError, type DryRunRequest } from "@posthorn/core";
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

describe("mailgun", () => {
  it("uploads attachments and inline images as files", async () => {
    await create().send({
      ...mail,
      attachments: [
        { filename: "účet.csv", content: "a,b" },
        { content: new Uint8Array([1, 2]), contentType: "image/png", contentId: "logo@example.com" },
      ],
    });
    const payload = fake.mails.at(-1)?.payload as Record<
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
    expect(result.recipients["r1000@example.org"]).toEqual({ status: "unknown", messageId: null });
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
