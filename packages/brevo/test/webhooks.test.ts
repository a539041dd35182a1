import { describeWebhookConformance, jsonBody, jsonListPost } from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const delivered = {
  event: "delivered",
  email: "grace@example.org",
  "message-id": "<m1@example.com>",
  ts_epoch: 1_764_000_000_500,
  tags: ["welcome"],
  "X-Mailin-custom": '{"userId":42}',
};

describeWebhookConformance({
  name: "Brevo tracking",
  webhook: trackingWebhook,
  verifiedBy: "webhookSecret",
  withoutEventId: true,
  post: jsonListPost,
  samples: [
    {
      entry: delivered,
      event: {
        eventType: "delivered",
        messageId: "<m1@example.com>",
        timestamp: new Date(1_764_000_000_500),
        tags: ["welcome"],
        metadata: { userId: 42 },
      },
    },
    {
      entry: { ...delivered, event: "click", link: "https://example.com/" },
      event: { eventType: "clicked", clickUrl: "https://example.com/", recipient: "grace@example.org" },
    },
  ],
});

const received = {
  Uuid: ["u1"],
  Headers: {
    From: "Ada <ada@example.com>",
    To: ["Grace <grace@example.org>"],
    Subject: "Hello ✓",
    "Delivered-To": "grace@inbound.example.org",
    "Return-Path": "<bounces@example.com>",
  },
  RawTextBody: "Hi\n> old",
  RawHtmlBody: null,
  ExtractedMarkdownMessage: "Hi",
  SpamScore: 0.4,
};

describeWebhookConformance({
  name: "Brevo inbound",
  webhook: inboundWebhook,
  verifiedBy: "webhookSecret",
  post: (items) => jsonBody({ items }),
  unreadable: [null, 5, "text", true, []],
  samples: [
    {
      entry: received,
      event: {
        eventType: "inbound",
        eventId: "u1",
        message: {
          from: { name: "Ada", email: "ada@example.com" },
          to: [{ name: "Grace", email: "grace@example.org" }],
          subject: "Hello ✓",
          text: "Hi\n> old",
          strippedText: "Hi",
          spamScore: 0.4,
          envelopeSender: "bounces@example.com",
          envelopeRecipient: "grace@inbound.example.org",
        },
      },
    },
    { entry: { ...received, Uuid: ["u2"] }, event: { eventId: "u2" } },
  ],
});
