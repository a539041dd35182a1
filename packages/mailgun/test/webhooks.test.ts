import { createHmac } from "node:crypto";
import {
  describeWebhookConformance,
  describeWebhookEvents,
  formPost,
  jsonBody,
  SAMPLE_MAIL,
  SAMPLE_MIME,
  type SamplePost,
  type WebhookKey,
} from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

type Signature = Readonly<Record<"timestamp" | "token" | "signature", string>>;

const keys = (put: (post: SamplePost, signature: Signature) => SamplePost) =>
  ["one", "two", "stranger"].map((name): WebhookKey => {
    const option = `made-up-${name}`;
    return {
      option,
      sign: (post, signedAt) => {
        const [timestamp, token] = [String(Math.floor(signedAt / 1000)), "b".repeat(50)];
        const signature = createHmac("sha256", option)
          .update(timestamp + token)
          .digest("hex");
        return put(post, { timestamp, token, signature });
      },
    };
  }) as [WebhookKey, WebhookKey, WebhookKey];

const delivered = {
  event: "delivered",
  id: "e1",
  timestamp: 1_764_000_000.5,
  recipient: "grace@example.org",
  message: { headers: { "message-id": "m1@example.com" } },
  "delivery-status": { code: 250, message: "OK" },
  tags: ["welcome"],
  "user-variables": { userId: "42" },
};

const [option, post] = ["signingKey", ([entry]: readonly unknown[]) => jsonBody({ "event-data": entry })];

describeWebhookConformance({
  name: "Mailgun tracking",
  webhook: trackingWebhook,
  verifiedBy: option,
  keys: keys((sample, signature) => ({
    ...sample,
    body: JSON.stringify({ signature, ...JSON.parse(String(sample.body)) }),
  })),
  signed: /(?<=^\{)"signature":\{[^}]*\}/,
  replayWindow: 12 * 3600,
  post,
  // The token that the id is made of is the signature's.
  samples: [
    {
      entry: delivered,
      event: {
        eventType: "delivered",
        messageId: "<m1@example.com>",
        recipient: "grace@example.org",
        mtaResponse: "OK",
        tags: ["welcome"],
        metadata: { userId: "42" },
      },
    },
  ],
});

describeWebhookConformance({
  name: "Mailgun inbound",
  webhook: inboundWebhook,
  verifiedBy: option,
  keys: keys((sample, signature) => ({
    ...sample,
    body: `${sample.body}&${new URLSearchParams(signature)}`,
  })),
  signed: /(?<=&)timestamp=.*$/,
  replayWindow: 12 * 3600,
  post: ([mime]) =>
    formPost({
      sender: "bounces@example.com",
      recipient: "grace@inbound.example.org",
      "stripped-text": "Hi",
      "body-mime": String(mime),
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
          strippedText: "Hi",
        },
      },
    },
  ],
});

const failed = (data: object) => ({ ...delivered, event: "failed", ...data });

// https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads
describeWebhookEvents({
  name: "Mailgun tracking",
  webhook: trackingWebhook,
  post,
  cases: {
    "a failure for good": [
      failed({ severity: "permanent", reason: "suppress-bounce" }),
      { eventType: "rejected", rejectReason: "bounced", permanent: null },
    ],
    "a complaint before": [
      failed({ severity: "permanent", reason: "suppress-complaint" }),
      { eventType: "rejected", rejectReason: "spam" },
    ],
    "an unsubscription before": [
      failed({ severity: "permanent", reason: "suppress-unsubscribe" }),
      { eventType: "rejected", rejectReason: "unsubscribed" },
    ],
    "a refusal": [
      failed({ severity: "permanent", reason: "bounce" }),
      { eventType: "bounced", rejectReason: "bounced", permanent: true },
    ],
    "a refusal by the server's response": [
      failed({ severity: "permanent", reason: "generic", "delivery-status": { code: 550 } }),
      { eventType: "bounced", rejectReason: "bounced", permanent: true },
    ],
    "the provider is blocked": [
      failed({ severity: "permanent", reason: "espblock" }),
      { eventType: "bounced", rejectReason: "blocked", permanent: false },
    ],
    "too old": [
      failed({ severity: "permanent", reason: "old" }),
      { eventType: "bounced", rejectReason: "timed_out", permanent: false },
    ],
    complained: [
      { ...delivered, event: "complained" },
      { eventType: "complained", rejectReason: "spam", permanent: null },
    ],
    "a failure for now": [
      failed({ severity: "temporary", reason: "generic" }),
      { eventType: "deferred", rejectReason: "other" },
    ],
    "a failure without a reason": [
      failed({ severity: "permanent" }),
      { eventType: "bounced", rejectReason: "other", permanent: null },
    ],
    "something new": [
      { ...delivered, event: "stored" },
      { eventType: "unknown", description: "stored" },
    ],
    accepted: [{ ...delivered, event: "accepted" }, { eventType: "queued" }],
  },
});

const legacy = (fields: Record<string, string>) => ({
  recipient: "grace@example.org",
  timestamp: "1",
  ...fields,
});

describeWebhookEvents({
  name: "Mailgun's legacy webhooks",
  webhook: trackingWebhook,
  post: ([fields]) => formPost(fields as Record<string, string>),
  cases: {
    "an enhanced status": [
      legacy({ event: "bounced", code: "5.1.1", "message-id": "m1@example.com" }),
      { eventType: "bounced", rejectReason: "bounced", messageId: "<m1@example.com>" },
    ],
    "previous complaint": [
      legacy({ event: "dropped", code: "607" }),
      { eventType: "rejected", rejectReason: "spam" },
    ],
    "no status": [legacy({ event: "complained" }), { eventType: "complained", rejectReason: "spam" }],
    "a refusal for good": [
      legacy({ event: "bounced", code: "550" }),
      { eventType: "bounced", rejectReason: "bounced", permanent: true },
    ],
    "metadata by fields": [
      legacy({ event: "opened", userId: "42", tag: "welcome", "X-Mailgun-Tag": "other" }),
      { eventType: "opened", metadata: { userId: "42" }, tags: ["welcome"] },
    ],
    "metadata by headers": [
      legacy({
        event: "delivered",
        "message-headers": '[["X-Mailgun-Variables","{\\"userId\\":\\"42\\"}"]]',
        other: "1",
      }),
      { eventType: "delivered", metadata: { userId: "42" } },
    ],
    "no metadata": [legacy({ event: "bounced", other: "1" }), { eventType: "bounced", metadata: {} }],
  },
});

describeWebhookConformance({
  name: "Mailgun tracking of a subaccount, by the key of the account above",
  webhook: trackingWebhook,
  verifiedBy: option,
  keys: keys((sample, { signature, ...rest }) => ({
    ...sample,
    body: JSON.stringify({
      signature: { ...rest, signature: "00".repeat(32), "parent-signature": signature },
      ...JSON.parse(String(sample.body)),
    }),
  })),
  signed: /(?<=^\{)"signature":\{"timestamp":"\d+","token":"\w+"/,
  replayWindow: 12 * 3600,
  post,
  samples: [{ entry: delivered, event: { eventType: "delivered" } }],
});
