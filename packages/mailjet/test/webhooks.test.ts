import { describeWebhookConformance, jsonListPost, jsonPost } from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const sent = {
  event: "sent",
  time: 1_764_000_000,
  MessageID: 123_456_789,
  email: "grace@example.org",
  customcampaign: "welcome",
  Payload: '{"userId":42}',
  smtp_reply: "250 ok",
};

describeWebhookConformance({
  name: "Mailjet tracking",
  webhook: trackingWebhook,
  verifiedBy: "webhookSecret",
  withoutEventId: true,
  post: jsonListPost,
  samples: [
    {
      entry: sent,
      event: {
        eventType: "delivered",
        messageId: "123456789",
        mtaResponse: "250 ok",
        tags: ["welcome"],
        metadata: { userId: 42 },
      },
    },
    {
      entry: { ...sent, event: "click", url: "https://example.com/" },
      event: { eventType: "clicked", clickUrl: "https://example.com/", recipient: "grace@example.org" },
    },
  ],
});

describeWebhookConformance({
  name: "Mailjet inbound",
  webhook: inboundWebhook,
  verifiedBy: "webhookSecret",
  withoutEventId: true,
  post: jsonPost,
  samples: [
    {
      entry: {
        Sender: "bounces@example.com",
        Recipient: "grace@inbound.example.org",
        Headers: { From: "Ada <ada@example.com>", Subject: "Hello ✓", Received: ["one", "two"] },
        "Text-part": "Hi",
        "Html-part": "<p>Hi",
        SpamAssassinScore: "0.4",
      },
      event: {
        eventType: "inbound",
        message: {
          from: { name: "Ada", email: "ada@example.com" },
          subject: "Hello ✓",
          text: "Hi",
          html: "<p>Hi",
          spamScore: 0.4,
          envelopeSender: "bounces@example.com",
          envelopeRecipient: "grace@inbound.example.org",
          headers: [
            ["From", "Ada <ada@example.com>"],
            ["Subject", "Hello ✓"],
            ["Received", "one"],
            ["Received", "two"],
          ],
        },
      },
    },
  ],
});
