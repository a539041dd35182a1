import {
  describeWebhookConformance,
  describeWebhookEvents,
  hmacKeys,
  jsonPost,
  SAMPLE_MAIL,
  SAMPLE_MIME,
} from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

describeWebhookConformance({
  name: "MailerSend tracking",
  webhook: trackingWebhook,
  verifiedBy: "signingKey",
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
  verifiedBy: "signingKey",
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

const version2 = (type: string, meta: unknown = []) => ({
  type: `activity.${type}`,
  created_at: "2026-11-24T12:00:00.000000Z",
  data: { id: "e1", type, recipient: "grace@example.org", message_id: "m1", tags: ["welcome"], meta },
});

// https://developers.mailersend.com/api/v1/webhooks.html
describeWebhookEvents({
  name: "MailerSend tracking, payload version 2",
  webhook: trackingWebhook,
  post: jsonPost,
  cases: {
    delivered: [
      version2("delivered"),
      {
        eventType: "delivered",
        eventId: "e1",
        messageId: "m1",
        recipient: "grace@example.org",
        timestamp: new Date("2026-11-24T12:00:00Z"),
        tags: ["welcome"],
      },
    ],
    "a bounce": [
      version2("hard_bounced", { bounce_reason: "no such user", bounce_code: 550 }),
      {
        eventType: "bounced",
        rejectReason: "bounced",
        permanent: true,
        description: "no such user",
        mtaResponse: "550",
      },
    ],
    suppressed: [
      version2("suppressed", { suppression_reason: "unsubscribed" }),
      { eventType: "rejected", rejectReason: "blocked", description: "unsubscribed" },
    ],
    complained: [version2("spam_complaints"), { eventType: "complained", rejectReason: "spam" }],
    deferred: [version2("deferred"), { eventType: "deferred" }],
    "a link": [
      version2("clicked", { url: "https://example.com/", user_agent: "Firefox" }),
      { eventType: "clicked", clickUrl: "https://example.com/", userAgent: "Firefox" },
    ],
    "the test of the URL": [{ type: "webhook.test" }, null],
    maintenance: [
      { type: "maintenance.start", data: { id: "r1" } },
      { eventType: "unknown", eventId: null, description: "maintenance.start" },
    ],
    "a recipient on hold": [
      { type: "recipient.on_hold_added", data: { id: "r1", recipient: "grace@example.org" } },
      {
        eventType: "unknown",
        eventId: null,
        recipient: "grace@example.org",
        description: "recipient.on_hold_added",
      },
    ],
    "a soft bounce": [
      version2("soft_bounced"),
      { eventType: "bounced", rejectReason: "bounced", permanent: false },
    ],
  },
});
