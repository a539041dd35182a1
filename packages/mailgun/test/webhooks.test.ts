import { createHmac } from "node:crypto";
import {
  describeWebhookConformance,
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

const [option, post] = [
  "webhookSigningKey",
  ([entry]: readonly unknown[]) => jsonBody({ "event-data": entry }),
];

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
