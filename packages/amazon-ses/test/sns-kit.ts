import type { TrackingEvent } from "@posthorn/core/webhooks";
import {
  type FakeSigner,
  fakeCertificate,
  fetchOfFiles,
  type SnsSigning,
  signSnsMessage,
  snsMessage,
  snsSubject,
} from "@posthorn/testing/sns";
import { requestOf, SAMPLE_MAIL } from "@posthorn/testing/webhooks";
import { trackingWebhook } from "../src/webhooks/index.js";

export const NOW = Date.parse("2026-11-24T12:00:00Z");
export const TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail";
export const OTHER_TOPIC = "arn:aws:sns:eu-west-1:123456789012:other";
export const CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-made-up.pem";
export const STRANGERS = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-stranger.pem";
export const CONFIRM = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=made-up`;
export const HOSTS = ["sns.amazonaws.com"];

export const root = await fakeCertificate({ commonName: "made-up root" });
export const issuer = await fakeCertificate({
  commonName: "made-up issuer",
  issuer: root,
  isAuthority: true,
});
export const signer = await fakeCertificate({ issuer, hosts: HOSTS });
export const strangersRoot = await fakeCertificate({ commonName: "made-up root" });
export const stranger = await fakeCertificate({ issuer: strangersRoot, hosts: HOSTS });

export const chain = (...signers: readonly FakeSigner[]): string => signers.map(({ pem }) => pem).join("\n");
export const FILES = { [CERTIFICATE]: chain(signer, issuer), [STRANGERS]: chain(stranger, strangersRoot) };

export const messageOf = (notification: unknown, topic = TOPIC, signedAt = NOW) =>
  snsMessage(notification, topic, signedAt);
export const SNS = snsSubject([TOPIC, OTHER_TOPIC], {
  own: { signer, certificateUrl: CERTIFICATE },
  strangers: { signer: stranger, certificateUrl: STRANGERS },
});

const mail = { messageId: "m1", destination: ["grace@example.org"], source: "ada@example.com" };
export const delivery = {
  eventType: "Delivery",
  mail,
  delivery: { recipients: ["grace@example.org"], smtpResponse: "250 ok" },
};
export const delivered = {
  eventType: "delivered",
  messageId: "m1",
  recipient: "grace@example.org",
  mtaResponse: "250 ok",
};

export const received = (receipt: object, content?: string): Record<string, unknown> => ({
  notificationType: "Received",
  mail: { ...mail, source: "bounces@example.com", messageId: "i1", timestamp: "2026-11-24T12:00:00.000Z" },
  receipt: {
    recipients: ["grace@inbound.example.org"],
    spamVerdict: { status: "PASS" },
    spfVerdict: { status: "PASS" },
    dkimVerdict: { status: "FAIL" },
    dmarcVerdict: { status: "GRAY" },
    ...receipt,
  },
  ...(content === undefined ? {} : { content }),
});
export const receivedMail = {
  ...SAMPLE_MAIL,
  eventId: "i1",
  timestamp: new Date("2026-11-24T12:00:00Z"),
  message: {
    ...SAMPLE_MAIL.message,
    envelopeSender: "bounces@example.com",
    envelopeRecipient: "grace@inbound.example.org",
    spamDetected: false,
    authentication: { spf: "pass", dkim: "fail", dmarc: "gray" },
  },
};

/** A webhook on certificates of its own, and what came of one post. */
export const postOnce = async (
  signing: Partial<SnsSigning> = {},
  options: {
    readonly files?: Readonly<Record<string, string | Uint8Array>>;
    readonly message?: Readonly<Record<string, string>>;
    readonly webhook?: Partial<Parameters<typeof trackingWebhook>[0]>;
    readonly change?: Readonly<Record<string, unknown>>;
  } = {},
) => {
  const events: TrackingEvent[] = [];
  const errors: unknown[] = [];
  const { fetch, urls } = fetchOfFiles(options.files ?? FILES);
  const handler = trackingWebhook({
    topicArns: TOPIC,
    trustAnchors: [root.publicKey],
    clock: { now: () => NOW },
    fetch,
    onEvent: (event) => void events.push(event),
    onError: (error) => void errors.push(error),
    ...options.webhook,
  });
  const message = options.message ?? messageOf(delivery);
  const signed = await signSnsMessage(message, { signer, certificateUrl: CERTIFICATE, ...signing });
  const changed = { ...JSON.parse(String(signed.body)), ...options.change };
  const sample = options.change ? { ...signed, body: JSON.stringify(changed) } : signed;
  const response = await handler(requestOf(sample));
  const again = async (): Promise<number> => (await handler(requestOf(sample))).status;
  return { status: response.status, reason: await response.text(), events, errors, urls, again };
};
