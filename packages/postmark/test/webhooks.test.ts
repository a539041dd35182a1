import {
  describeWebhookConformance,
  describeWebhookEvents,
  jsonPost,
  SAMPLE_MAIL,
  SAMPLE_MIME,
} from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

describeWebhookConformance({
  name: "Postmark tracking",
  webhook: trackingWebhook,
  verifiedBy: "basicAuth",
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
  verifiedBy: "basicAuth",
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

const bounced = (Type: string) => ({ RecordType: "Bounce", ID: 42, Type, Email: "grace@example.org" });
const changed = (SuppressionReason: string | null, SuppressSending = true) => ({
  RecordType: "SubscriptionChange",
  Recipient: "grace@example.org",
  SuppressSending,
  SuppressionReason,
});

// https://postmarkapp.com/developer/api/bounce-api#bounce-types
describeWebhookEvents({
  name: "Postmark tracking",
  webhook: trackingWebhook,
  post: jsonPost,
  cases: {
    "a type that is not known to Postmark": [
      bounced("Unknown"),
      { eventType: "unknown", rejectReason: null },
    ],
    "a type that is not known to us": [
      bounced("New"),
      { eventType: "bounced", rejectReason: "bounced", permanent: null },
    ],
    "a policy": [bounced("DMARCPolicy"), { eventType: "bounced", rejectReason: "blocked", permanent: false }],
    "suppressed by a bounce": [changed("HardBounce"), { eventType: "bounced", rejectReason: "bounced" }],
    "suppressed by a complaint": [
      changed("SpamComplaint"),
      { eventType: "complained", rejectReason: "spam" },
    ],
    "suppressed by hand": [
      changed("ManualSuppression"),
      { eventType: "unsubscribed", rejectReason: "unsubscribed" },
    ],
    "suppressed for something new": [
      changed("New"),
      { eventType: "unsubscribed", rejectReason: "unsubscribed" },
    ],
    "a hard bounce": [
      bounced("HardBounce"),
      { eventType: "bounced", rejectReason: "bounced", permanent: true },
    ],
    "a soft bounce": [
      bounced("SoftBounce"),
      { eventType: "bounced", rejectReason: "bounced", permanent: false },
    ],
    "not an address": [bounced("BadEmailAddress"), { eventType: "rejected", rejectReason: "invalid" }],
    "our own webhook failed": [
      bounced("InboundError"),
      { eventType: "failed", rejectReason: null, permanent: null },
    ],
    "taken off the list": [changed(null, false), { eventType: "subscribed", rejectReason: null }],
  },
});

describeWebhookEvents({
  name: "Postmark inbound",
  webhook: inboundWebhook,
  post: jsonPost,
  cases: {
    "SPF and DKIM by headers": [
      {
        FromFull: { Email: "ada@example.com", Name: "Ada" },
        Headers: [
          { Name: "Received-SPF", Value: "Pass (sender SPF authorized) identity=mailfrom" },
          { Name: "X-Spam-Tests", Value: "DKIM_SIGNED,DKIM_VALID,SPF_PASS" },
        ],
      },
      { message: { authentication: { spf: "pass", dkim: "pass", dmarc: null } } },
    ],
    neither: [
      { FromFull: { Email: "ada@example.com", Name: "" }, Headers: [] },
      { message: { authentication: { spf: null, dkim: null, dmarc: null } } },
    ],
  },
});
