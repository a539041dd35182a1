import {
  describeWebhookConformance,
  describeWebhookEvents,
  jsonListPost,
  jsonPost,
} from "@posthorn/testing/webhooks";
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
  verifiedBy: "basicAuth",
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
  verifiedBy: "basicAuth",
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

// https://dev.mailjet.com/email/guides/webhooks/
describeWebhookEvents({
  name: "Mailjet tracking",
  webhook: trackingWebhook,
  post: jsonPost,
  cases: {
    "a greylist, which Mailjet calls a bounce": [
      { ...sent, event: "bounce", error: "greylisted", hard_bounce: false },
      { eventType: "deferred", rejectReason: "other" },
    ],
    "a greylist that was the end": [
      { ...sent, event: "bounce", error: "greylisted", hard_bounce: true },
      { eventType: "bounced", rejectReason: "other" },
    ],
    refused: [
      { ...sent, event: "bounce", error: "relay/access denied" },
      { eventType: "bounced", rejectReason: "bounced" },
    ],
    "no reason": [
      { ...sent, event: "bounce", error: "" },
      { eventType: "bounced", rejectReason: "bounced", permanent: null },
    ],
    "for good": [
      { ...sent, event: "bounce", error: "user unknown", hard_bounce: true },
      { eventType: "bounced", rejectReason: "bounced", permanent: true },
    ],
    "for this time": [
      { ...sent, event: "bounce", error: "quota exceeded", hard_bounce: false },
      { eventType: "bounced", rejectReason: "bounced", permanent: false },
    ],
    "never sent": [
      { ...sent, event: "bounce", error: "preblocked", error_related_to: "mailjet" },
      { eventType: "rejected", rejectReason: "blocked" },
    ],
    spam: [
      { ...sent, event: "spam", source: "JMRPP" },
      { eventType: "complained", rejectReason: "spam" },
    ],
    "something new": [
      { ...sent, event: "new" },
      { eventType: "unknown", description: "new" },
    ],
    unsub: [
      { ...sent, event: "unsub" },
      { eventType: "unsubscribed", rejectReason: "unsubscribed" },
    ],
  },
});
