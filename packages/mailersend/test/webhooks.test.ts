import {
  describeWebhookConformance,
  hmacKeys,
  jsonPost,
  SAMPLE_MAIL,
  SAMPLE_MIME,
} from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

describeWebhookConformance({
  name: "MailerSend tracking",
  webhook: trackingWebhook,
  verifiedBy: "signingSecret",
  keys: hmacKeys("signature", "hex"),
  post: jsonPost,
  samples: [
    {
      entry: {
        type: "activity.delivered",
        data: {
          id: "e1",
          type: "delivered",
          created_at: "2026-11-24T12:00:00.000000Z",
          email: { message: { id: "m1" }, recipient: { email: "grace@example.org" }, tags: ["welcome"] },
        },
      },
      event: {
        eventType: "delivered",
        eventId: "e1",
        messageId: "m1",
        recipient: "grace@example.org",
        tags: ["welcome"],
        timestamp: new Date("2026-11-24T12:00:00Z"),
      },
    },
  ],
});

describeWebhookConformance({
  name: "MailerSend inbound",
  webhook: inboundWebhook,
  verifiedBy: "inboundSecret",
  keys: hmacKeys("signature", "hex"),
  post: jsonPost,
  samples: [
    {
      entry: {
        type: "inbound.message",
        created_at: "2026-11-24T12:00:01.000000Z",
        data: {
          id: "i1",
          sender: { email: "bounces@example.com" },
          recipients: { rcptTo: [{ email: "grace@inbound.example.org" }] },
          dkim_check: true,
          spf_check: { code: "+", value: null },
          raw: SAMPLE_MIME,
        },
      },
      event: {
        ...SAMPLE_MAIL,
        eventId: "i1",
        message: {
          ...SAMPLE_MAIL.message,
          envelopeSender: "bounces@example.com",
          envelopeRecipient: "grace@inbound.example.org",
          authentication: { spf: "pass", dkim: "pass", dmarc: null },
        },
      },
    },
  ],
});
