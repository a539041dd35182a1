import { createPublicKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { TrackingEvent } from "@posthorn/core/webhooks";
import { fakeCertificate, fetchOfFiles, signSnsMessage, snsMessage, snsSubject } from "@posthorn/testing/sns";
import { describeWebhookConformance, requestOf } from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { trackingWebhook } from "../src/webhooks/index.js";
import { SCALEWAY_SNS } from "../src/webhooks/signature.js";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const TOPICS = ["mail", "other"].map((name) => `arn:scw:sns:fr-par:project-made-up:${name}`) as [
  string,
  string,
];
const BUCKET = "https://messaging.s3.fr-par.scw.cloud";
const CERTIFICATE = `${BUCKET}/fr-par/sns/sns_certificate_made-up.crt`;
const STRANGERS = `${BUCKET}/fr-par/sns/sns_certificate_stranger.crt`;
const CHAIN = `${BUCKET}/fr-par/sns/sns-trust-chain.pem`;
const CONFIRM = `https://sns.mnq.fr-par.scaleway.com/?Action=ConfirmSubscription&TopicArn=${TOPICS[0]}&Token=made-up`;

const root = await fakeCertificate({ commonName: "made-up root" });
const issuer = await fakeCertificate({ commonName: "made-up issuer", issuer: root, isAuthority: true });
const signer = await fakeCertificate({ issuer });
const stranger = await fakeCertificate({ commonName: "made-up issuer" });
// A certificate has its issuer in another file, as at Scaleway.
const FILES = {
  [CERTIFICATE]: signer.pem,
  [STRANGERS]: stranger.pem,
  [CHAIN]: `${root.pem}\n\n${issuer.pem}\n`,
};
const own = { signer, certificateUrl: CERTIFICATE };

const delivered = {
  id: "e1",
  type: "email_delivered",
  created_at: "2026-11-24T11:59:58Z",
  email_id: "m1",
  email_from: "ada@example.com",
  email_to: "grace@example.org",
  email_headers: [
    { key: "X-Tags", value: '["welcome"]' },
    { key: "X-Metadata", value: '{"userId":42}' },
  ],
  email_response_code: 250,
  email_response_message: "2.0.0 OK",
};

describeWebhookConformance({
  name: "Scaleway tracking",
  webhook: trackingWebhook,
  more: { trustAnchors: [root.publicKey], fetch: fetchOfFiles(FILES).fetch },
  ...snsSubject(TOPICS, { own, strangers: { signer: stranger, certificateUrl: STRANGERS } }),
  samples: [
    {
      entry: delivered,
      event: {
        provider: "Scaleway",
        eventType: "delivered",
        eventId: "e1",
        messageId: "m1",
        recipient: "grace@example.org",
        timestamp: new Date("2026-11-24T11:59:58Z"),
        mtaResponse: "250 2.0.0 OK",
        tags: ["welcome"],
        metadata: { userId: 42 },
      },
    },
  ],
});

const postOnce = async (
  message: Readonly<Record<string, string>>,
  signing: Parameters<typeof signSnsMessage>[1] = own,
  files: Readonly<Record<string, string>> = FILES,
) => {
  const events: TrackingEvent[] = [];
  const { fetch, urls } = fetchOfFiles(files);
  const handler = trackingWebhook({
    topicArns: TOPICS,
    trustAnchors: [root.publicKey],
    clock: { now: () => NOW },
    fetch,
    onEvent: (event) => void events.push(event),
  });
  const response = await handler(requestOf(await signSnsMessage(message, signing)));
  return { status: response.status, events, urls };
};

describe("events of Scaleway", () => {
  it.each([
    [{ type: "email_queued" }, { eventType: "queued", rejectReason: null }],
    [{ type: "email_deferred" }, { eventType: "deferred", rejectReason: null }],
    [
      { type: "email_dropped", email_response_code: 550, email_response_message: "5.7.1 no" },
      { eventType: "bounced", rejectReason: "bounced", mtaResponse: "550 5.7.1 no" },
    ],
    [
      { type: "email_dropped", email_response_code: 0, email_response_message: "", email_error: "timeout" },
      { eventType: "bounced", mtaResponse: "timeout" },
    ],
    [{ type: "email_mailbox_not_found" }, { eventType: "bounced", rejectReason: "bounced" }],
    [
      { type: "email_spam", email_response_code: 571 },
      { eventType: "bounced", rejectReason: "spam" },
    ],
    [
      { type: "email_spam", email_response_code: 0 },
      { eventType: "rejected", rejectReason: "spam" },
    ],
    [
      { type: "email_blocklisted", blocklist_type: "mailbox_full", blocklist_reason: "full for a week" },
      { eventType: "rejected", rejectReason: "bounced", description: "full for a week" },
    ],
    [{ type: "email_blocklisted" }, { eventType: "rejected", rejectReason: "blocked" }],
    [{ type: "blocklist_created" }, { eventType: "unknown", description: "blocklist_created" }],
    [{ type: "unknown_type" }, { eventType: "unknown" }],
  ])("%j", async (entry, event) => {
    const { events } = await postOnce(snsMessage({ ...delivered, ...entry }, TOPICS[0], NOW));
    expect(events).toMatchObject([event]);
  });
});

describe("Topics and Events of Scaleway", () => {
  const message = snsMessage(delivered, TOPICS[0], NOW);

  it("are trusted by the root that Scaleway publishes", async () => {
    const chain = readFileSync(new URL("fixtures/sns-trust-chain.pem", import.meta.url), "utf8");

    const [anchor] = SCALEWAY_SNS.trustAnchors;
    const key = createPublicKey({ key: Buffer.from(anchor ?? "", "base64"), format: "der", type: "spki" });
    const certificates = chain.match(/-----BEGIN.*?END CERTIFICATE-----/gs) ?? [];
    expect(certificates).toHaveLength(2);
    for (const pem of certificates) expect(new X509Certificate(pem).verify(key)).toBe(true);
  });

  it("have their certificates in Scaleway's own bucket, and the issuer's beside them", async () => {
    expect((await postOnce(message)).urls).toEqual([CERTIFICATE, CHAIN]);
    const amsterdam = `${BUCKET}/nl-ams/sns`;
    const files = {
      [`${amsterdam}/a.crt`]: signer.pem,
      [`${amsterdam}/sns-trust-chain.pem`]: FILES[CHAIN] ?? "",
    };
    const signing = { signer, certificateUrl: `${amsterdam}/a.crt` };
    expect(await postOnce(message, signing, files)).toMatchObject({ status: 200 });
    for (const certificateUrl of [
      "https://evil.s3.fr-par.scw.cloud/fr-par/sns/a.crt",
      "https://messaging.s3.fr-par.scw.cloud.evil.example/fr-par/sns/a.crt",
      "http://messaging.s3.fr-par.scw.cloud/fr-par/sns/a.crt",
      "https://sns.eu-west-1.amazonaws.com/a.pem",
    ]) {
      const refused = await postOnce(message, { signer, certificateUrl });
      expect([refused.status, refused.urls], certificateUrl).toEqual([400, []]);
    }
  });

  it("refuse a message that an authority itself signed, and a chain that leads elsewhere", async () => {
    const byIssuer = { ...FILES, [CERTIFICATE]: issuer.pem };
    expect(await postOnce(message, { signer: issuer, certificateUrl: CERTIFICATE }, byIssuer)).toMatchObject({
      status: 400,
    });
    const elsewhere = await fakeCertificate({ issuer: stranger });
    const files = { ...FILES, [CERTIFICATE]: elsewhere.pem, [CHAIN]: stranger.pem };
    const signing = { signer: elsewhere, certificateUrl: CERTIFICATE };
    expect(await postOnce(message, signing, files)).toMatchObject({ status: 400, events: [] });
  });

  it("confirm subscriptions of configured topics, at Scaleway's address alone", async () => {
    const confirmation = (topic: string | undefined, url: string) => ({
      Type: "SubscriptionConfirmation",
      MessageId: "1",
      Token: "made-up",
      TopicArn: topic ?? "",
      Message: "Confirm.",
      SubscribeURL: url,
      Timestamp: new Date(NOW).toISOString(),
    });
    const files = { ...FILES, [CONFIRM]: "ok" };
    expect(await postOnce(confirmation(TOPICS[0], CONFIRM), own, files)).toEqual({
      status: 200,
      events: [],
      urls: [CERTIFICATE, CHAIN, CONFIRM],
    });
    for (const [topic, url] of [
      ["arn:scw:sns:fr-par:project-other:mail", CONFIRM],
      [TOPICS[0], CONFIRM.replace("scaleway.com", "evil.example")],
      [TOPICS[0], "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"],
    ] as const) {
      const { status, urls } = await postOnce(confirmation(topic, url), own, files);
      expect([status, urls.filter((at) => at.includes("Confirm"))]).toEqual([400, []]);
    }
  });
});
