import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { fetchOfFiles, signSnsMessage } from "@posthorn/testing/sns";
import { requestOf, SAMPLE_MIME } from "@posthorn/testing/webhooks";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { inboundWebhook } from "../src/webhooks/index.js";
import {
  CERTIFICATE,
  FILES,
  messageOf,
  NOW,
  received,
  receivedMail,
  root,
  signer,
  TOPIC,
} from "./sns-kit.js";

describe("mail in S3", () => {
  let s3: FaultServer;
  beforeAll(async () => {
    s3 = await startFaultServer();
  });
  afterEach(() => s3.reset());
  afterAll(() => s3.close());

  const stored = received({
    action: { type: "S3", bucketName: "mail-bucket", objectKey: "in box/ä+1" },
  });
  const receive = async (options: Partial<Parameters<typeof inboundWebhook>[0]> = {}) => {
    const events: unknown[] = [];
    const errors: unknown[] = [];
    const handler = inboundWebhook({
      topicArns: TOPIC,
      trustAnchors: [root.publicKey],
      clock: { now: () => NOW },
      fetch: fetchOfFiles(FILES).fetch,
      s3Url: s3.url,
      accessKeyId: "AKIAMADEUP",
      secretAccessKey: "made-up-secret",
      onEvent: (event) => void events.push(event),
      onError: (error) => void errors.push(error),
      ...options,
    });
    const signed = await signSnsMessage(messageOf(stored), { signer, certificateUrl: CERTIFICATE });
    return { status: (await handler(requestOf(signed))).status, events, errors };
  };

  it("is fetched with Signature Version 4", async () => {
    s3.script({ kind: "answer", status: 200, body: SAMPLE_MIME });
    expect(await receive({ sessionToken: "made-up-session" })).toMatchObject({
      status: 200,
      events: [receivedMail],
    });
    const [request] = s3.requests;
    expect(request).toMatchObject({
      method: "GET",
      path: "/mail-bucket/in%20box/%C3%A4%2B1",
      headers: {
        "x-amz-date": "20261124T120000Z",
        "x-amz-security-token": "made-up-session",
        "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      },
    });
    expect(request?.headers["authorization"]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAMADEUP\/20261124\/eu-west-1\/s3\/aws4_request, SignedHeaders=[\w;-]+, Signature=[0-9a-f]{64}$/,
    );
  });

  it("may be in another region, with credentials that are refreshed", async () => {
    s3.script({ kind: "answer", status: 200, body: SAMPLE_MIME });
    const credentials = async () => ({ accessKeyId: "ASIAMADEUP", secretAccessKey: "made-up-other" });
    expect(await receive({ region: "us-east-1", credentials })).toMatchObject({ status: 200 });
    expect(s3.requests[0]?.headers["authorization"]).toContain("ASIAMADEUP/20261124/us-east-1/s3/");
  });

  it("that S3 does not give makes a 500, whose error has no secret", async () => {
    s3.script({ kind: "answer", status: 403, body: "<Error><Code>AccessDenied</Code></Error>" });
    const { status, events, errors } = await receive();
    expect([status, events]).toEqual([500, []]);
    expect(errors).toMatchObject([{ name: "PosthornError", retryable: false }]);
    expect(String(errors[0])).toContain("403");
    expect(JSON.stringify(errors) + String(errors[0])).not.toContain("made-up-secret");
  });

  it("needs credentials", async () => {
    const { status, errors } = await receive({ accessKeyId: undefined, secretAccessKey: undefined });
    expect(status).toBe(500);
    expect(errors).toMatchObject([{ name: "ConfigurationError" }]);
    expect(s3.requests).toEqual([]);
  });
});
