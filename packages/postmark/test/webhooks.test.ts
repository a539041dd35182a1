import { describeWebhookConformance, jsonPost, SAMPLE_MAIL, SAMPLE_MIME } from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

describeWebhookConformance({
  name: "Postmark tracking",
  webhook: trackingWebhook,
  verifiedBy: "webhookSecret",
  post: jsonPost,
  samples: [
    {
      entry: {
        RecordType: "Bounce",
        ID: 42,
        Type: "HardBounce",
        MessageID: "m1",
        Email: "grace@example.org",
        BouncedAt: "2026-11-24T12:00:00Z",
        Description: "The server was unable to deliver your message",
        Details: "550 no such user",
        Tag: "welcome",
        Metadata: { userId: "42" },
      },
      event: {
        eventType: "bounced",
        rejectReason: "bounced",
        eventId: "42",
        messageId: "m1",
        recipient: "grace@example.org",
        timestamp: new Date("2026-11-24T12:00:00Z"),
        mtaResponse: "550 no such user",
        tags: ["welcome"],
        metadata: { userId: "42" },
      },
    },
  ],
});

describeWebhookConformance({
  name: "Postmark inbound",
  webhook: inboundWebhook,
  verifiedBy: "webhookSecret",
  post: jsonPost,
  samples: [
    {
      entry: {
        FromFull: { Email: "ada@example.com", Name: "Ada" },
        OriginalRecipient: "grace@inbound.example.org",
        MessageID: "i1",
        StrippedTextReply: "Hi",
        Headers: [{ Name: "Return-Path", Value: "<bounces@example.com>" }],
        RawEmail: SAMPLE_MIME,
      },
      event: {
        ...SAMPLE_MAIL,
        eventId: "i1",
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
