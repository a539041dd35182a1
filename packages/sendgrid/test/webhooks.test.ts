import { createSign, generateKeyPairSync } from "node:crypto";
import {
  describeWebhookConformance,
  describeWebhookEvents,
  formPost,
  jsonListPost,
  SAMPLE_MAIL,
  SAMPLE_MIME,
  type WebhookKey,
} from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const key = (): WebhookKey => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    option: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
    sign: (post, signedAt) => {
      const timestamp = String(Math.floor(signedAt / 1000));
      const signature = createSign("sha256").update(timestamp).update(post.body).sign(privateKey, "base64");
      return {
        ...post,
        headers: {
          ...post.headers,
          "x-twilio-email-event-webhook-signature": signature,
          "x-twilio-email-event-webhook-timestamp": timestamp,
        },
      };
    },
  };
};

const delivered = {
  email: "grace@example.org",
  timestamp: 1_764_000_000,
  event: "delivered",
  sg_event_id: "e1",
  "smtp-id": "<s1@example.com>",
  category: ["welcome"],
  anymail_id: "m1",
  userId: 42,
};

describeWebhookConformance({
  name: "SendGrid tracking",
  webhook: trackingWebhook,
  verifiedBy: "signingKey",
  keys: [key(), key(), key()],
  replayWindow: 24 * 3600,
  post: jsonListPost,
  samples: [
    {
      entry: delivered,
      event: { eventType: "delivered", messageId: "m1", tags: ["welcome"], metadata: { userId: 42 } },
    },
    {
      entry: { ...delivered, event: "open", sg_event_id: "e2" },
      event: { eventType: "opened", eventId: "e2", recipient: "grace@example.org" },
    },
  ],
});

describeWebhookConformance({
  name: "SendGrid inbound",
  refusedWith: 503,
  webhook: inboundWebhook,
  verifiedBy: "basicAuth",
  withoutEventId: true,
  post: ([email]) =>
    formPost({
      email: String(email),
      envelope: JSON.stringify({ to: ["grace@inbound.example.org"], from: "bounces@example.com" }),
      spam_score: "0.4",
      SPF: "pass",
      dkim: "{@example.com : pass}",
    }),
  samples: [
    {
      entry: SAMPLE_MIME,
      event: {
        ...SAMPLE_MAIL,
        message: {
          ...SAMPLE_MAIL.message,
          envelopeSender: "bounces@example.com",
          envelopeRecipient: "grace@inbound.example.org",
          spamScore: 0.4,
          authentication: { spf: "pass", dkim: "pass", dmarc: null },
        },
      },
    },
  ],
});

// https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
describeWebhookEvents({
  name: "SendGrid tracking",
  webhook: trackingWebhook,
  post: jsonListPost,
  cases: {
    "dropped by its type": [
      { ...delivered, event: "dropped", type: "bounce", reason: "anything" },
      { eventType: "rejected", rejectReason: "bounced", mtaResponse: null },
    ],
    "dropped by its reason": [
      { ...delivered, event: "dropped", reason: "Unsubscribed Address" },
      { eventType: "rejected", rejectReason: "unsubscribed" },
    ],
    "dropped for something new": [
      { ...delivered, event: "dropped" },
      { eventType: "rejected", rejectReason: "other" },
    ],
    "the server's answer before the reason": [
      { ...delivered, event: "bounce", response: "550 no", reason: "no" },
      { eventType: "bounced", mtaResponse: "550 no" },
    ],
    "a bounce, which is for good": [
      { ...delivered, event: "bounce", type: "bounce", reason: "550 5.1.1", status: "5.1.1" },
      { eventType: "bounced", rejectReason: "bounced", permanent: true, mtaResponse: "550 5.1.1" },
    ],
    "blocked, which is for this time": [
      { ...delivered, event: "bounce", type: "blocked", bounce_classification: "Content" },
      { eventType: "bounced", rejectReason: "blocked", permanent: false },
    ],
    expired: [
      { ...delivered, event: "bounce", type: "expired" },
      { eventType: "bounced", rejectReason: "timed_out", permanent: false },
    ],
    "a bounce by its classification": [
      { ...delivered, event: "bounce", type: "bounce", bounce_classification: "Invalid Address" },
      { eventType: "bounced", rejectReason: "invalid", permanent: true },
    ],
    "a bounce without a type": [
      { ...delivered, event: "bounce", bounce_classification: "Reputation" },
      { eventType: "bounced", rejectReason: "blocked", permanent: null },
    ],
    complained: [
      { ...delivered, event: "spamreport" },
      { eventType: "complained", rejectReason: "spam" },
    ],
    group_unsubscribe: [{ ...delivered, event: "group_unsubscribe" }, { eventType: "unsubscribed" }],
    group_resubscribe: [{ ...delivered, event: "group_resubscribe" }, { eventType: "subscribed" }],
    account_status_change: [
      { ...delivered, event: "account_status_change" },
      { eventType: "unknown", description: "account_status_change" },
    ],
  },
});

describeWebhookConformance({
  name: "SendGrid inbound, signed by a security policy",
  refusedWith: 503,
  webhook: inboundWebhook,
  verifiedBy: "signingKey",
  keys: [key(), key(), key()],
  replayWindow: 24 * 3600,
  withoutEventId: true,
  post: ([email]) => formPost({ email: String(email) }),
  samples: [{ entry: SAMPLE_MIME, event: SAMPLE_MAIL }],
});
