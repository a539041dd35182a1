import { createHmac } from "node:crypto";
import {
  describeWebhookConformance,
  describeWebhookEvents,
  jsonPost,
  SAMPLE_MAIL,
  SAMPLE_MIME,
  type WebhookKey,
} from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const keys = ["one", "two", "stranger"].map((name): WebhookKey => {
  const key = Buffer.from(`made-up ${name}`);
  return {
    option: `whsec_${key.toString("base64")}`,
    sign: (post, signedAt) => {
      const [id, timestamp] = ["msg_1", String(Math.floor(signedAt / 1000))];
      const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${post.body}`).digest("base64");
      const signatures = `v1a,bm90IG91cnM= v1,bm90IG91cnM= v1,${signature}`;
      const headers = { "svix-id": id, "svix-timestamp": timestamp, "svix-signature": signatures };
      return { ...post, headers: { ...post.headers, ...headers } };
    },
  };
}) as [WebhookKey, WebhookKey, WebhookKey];

describeWebhookConformance({
  name: "Resend tracking",
  webhook: trackingWebhook,
  verifiedBy: "signingKey",
  keys,
  replayWindow: 300,
  post: jsonPost,
  samples: [
    {
      entry: {
        type: "email.delivered",
        created_at: "2026-11-24T12:00:00.000Z",
        data: { email_id: "m1", to: ["Grace <grace@example.org>"] },
      },
      event: { eventType: "delivered", messageId: "m1", recipient: "grace@example.org" },
    },
  ],
});

describeWebhookConformance({
  name: "Resend inbound",
  webhook: inboundWebhook,
  more: {
    apiKey: "made-up",
    fetch: async (url: string) =>
      url === "https://files.example/raw"
        ? new Response(SAMPLE_MIME)
        : Response.json({ raw: { download_url: "https://files.example/raw" } }),
  },
  verifiedBy: "signingKey",
  keys,
  replayWindow: 300,
  post: jsonPost,
  samples: [
    {
      entry: {
        type: "email.received",
        created_at: "2026-11-24T12:00:00.000Z",
        data: { email_id: "i1", from: "Ada <ada@example.com>", to: ["grace@example.org"], subject: "Hello" },
      },
      event: { ...SAMPLE_MAIL, timestamp: new Date("2026-11-24T12:00:00Z") },
    },
  ],
});

const resent = (type: string, data: object = {}) => ({
  type,
  created_at: "2026-11-24T12:00:00.000Z",
  data: { email_id: "m1", to: ["grace@example.org"], ...data },
});
const bounce = (message: string) =>
  resent("email.bounced", { bounce: { message, type: "Permanent", subType: "General" } });

// https://resend.com/docs/webhooks/event-types
describeWebhookEvents({
  name: "Resend tracking",
  webhook: trackingWebhook,
  post: jsonPost,
  cases: {
    scheduled: [resent("email.scheduled"), { eventType: "queued" }],
    delayed: [resent("email.delivery_delayed"), { eventType: "deferred", rejectReason: null }],
    complained: [resent("email.complained"), { eventType: "complained", rejectReason: "spam" }],
    failed: [
      resent("email.failed", { failed: { reason: "reached_daily_quota" } }),
      { eventType: "failed", description: "reached_daily_quota" },
    ],
    suppressed: [
      resent("email.suppressed", {
        suppressed: { type: "OnAccountSuppressionList", message: "on the list" },
      }),
      { eventType: "rejected", rejectReason: "blocked", description: "on the list" },
    ],
    "a bounce": [
      bounce("The recipient's email provider sent a hard bounce message."),
      {
        eventType: "bounced",
        rejectReason: "bounced",
        description: "The recipient's email provider sent a hard bounce message.",
        mtaResponse: null,
      },
    ],
    ...Object.fromEntries(
      [
        ["Permanent", "General", "bounced", "bounced", true],
        ["Permanent", "NoEmail", "bounced", "bounced", true],
        ["Permanent", "Suppressed", "rejected", "blocked", null],
        ["Permanent", "OnAccountSuppressionList", "rejected", "blocked", null],
        ["Permanent", "New", "bounced", "bounced", true],
        ["Transient", "MailboxFull", "bounced", "bounced", false],
        ["Transient", "MessageTooLarge", "bounced", "other", false],
        ["Transient", "ContentRejected", "bounced", "spam", false],
        ["Transient", "AttachmentRejected", "bounced", "other", false],
        ["Undetermined", "Undetermined", "bounced", "bounced", null],
      ].map(([type, subType, eventType, rejectReason, permanent]) => [
        `${type}/${subType}`,
        [
          resent("email.bounced", {
            bounce: { type, subType, message: "made-up words", diagnosticCode: ["550 no"] },
          }),
          { eventType, rejectReason, permanent, description: "made-up words", mtaResponse: "550 no" },
        ] as const,
      ]),
    ),
    "suppressed by a complaint": [
      resent("email.suppressed", { suppressed: { reason: "previous_complaint" } }),
      { eventType: "rejected", rejectReason: "spam" },
    ],
    "suppressed by a bounce": [
      resent("email.suppressed", { suppressed: { reason: "previous_bounce" } }),
      { eventType: "rejected", rejectReason: "bounced" },
    ],
    "Resend's own tags": [
      resent("email.delivered", { tags: { category: "welcome" } }),
      { metadata: { category: "welcome" } },
    ],
    "an address on the list": [
      {
        type: "suppression.added",
        created_at: "2026-11-24T12:00:00Z",
        data: { email: "grace@example.org", origin: "bounce" },
      },
      {
        eventType: "unknown",
        recipient: "grace@example.org",
        messageId: null,
        description: "suppression.added",
      },
    ],
    "a link": [
      resent("email.clicked", { click: { link: "https://example.com/", userAgent: "Firefox" } }),
      { eventType: "clicked", clickUrl: "https://example.com/", userAgent: "Firefox" },
    ],
    "something new": [resent("contact.created"), { eventType: "unknown" }],
  },
});
