import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  describeWebhookConformance,
  describeWebhookEvents,
  jsonBody,
  requestOf,
  type WebhookKey,
} from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { trackingWebhook } from "../src/webhooks/index.js";

const PLACEHOLDER = "0".repeat(32);
const keys = ["one", "two", "stranger"].map((name): WebhookKey => {
  const option = `made-up-${name}`;
  return {
    option,
    sign: (post) => {
      const withKey = String(post.body).replace(PLACEHOLDER, option);
      const auth = createHash("md5").update(withKey).digest("hex");
      return { ...post, body: withKey.replace(option, auth) };
    },
  };
}) as [WebhookKey, WebhookKey, WebhookKey];

const delivered = {
  event_name: "transactional_email_status",
  event_data: {
    job_id: "j1",
    metadata: { anymail_id: "m1", userId: "42" },
    email: "grace@example.org",
    status: "delivered",
    event_time: "2026-11-24 12:00:00",
  },
};

describeWebhookConformance({
  name: "Unisender Go tracking",
  webhook: trackingWebhook,
  verifiedBy: "apiKey",
  keys,
  withoutEventId: true,
  post: (events) => jsonBody({ auth: PLACEHOLDER, events_by_user: [{ user_id: 1, events }] }),
  samples: [
    {
      entry: delivered,
      event: {
        eventType: "delivered",
        messageId: "m1",
        metadata: { userId: "42" },
        timestamp: new Date("2026-11-24T12:00:00Z"),
      },
    },
    {
      entry: { ...delivered, event_data: { ...delivered.event_data, status: "opened" } },
      event: { eventType: "opened", recipient: "grace@example.org" },
    },
  ],
});

const status = (data: object) => ({
  ...delivered,
  event_data: { ...delivered.event_data, ...data },
});

// https://godocs.unisender.ru/email-statuses
describeWebhookEvents({
  name: "Unisender Go tracking",
  webhook: trackingWebhook,
  post: (events) => jsonBody({ auth: PLACEHOLDER, events_by_user: [{ user_id: 1, events }] }),
  cases: {
    "will be tried again": [
      status({ status: "soft_bounced", delivery_info: { delivery_status: "err_will_retry" } }),
      { eventType: "deferred", rejectReason: null, description: "err_will_retry" },
    ],
    "a reason that is not known": [
      status({ status: "hard_bounced", delivery_info: { delivery_status: "err_new" } }),
      { eventType: "bounced", rejectReason: "other" },
    ],
    "a good end": [
      status({ delivery_info: { delivery_status: "ok_delivered" } }),
      { eventType: "delivered", rejectReason: null },
    ],
    accepted: [status({ status: "accepted" }), { eventType: "queued" }],
    ...Object.fromEntries(
      [
        ["hard_bounced", "err_user_unknown", "bounced", "bounced", true],
        ["hard_bounced", "err_mailbox_full", "bounced", "bounced", false],
        ["hard_bounced", "err_spam_removed", "bounced", "spam", false],
        ["hard_bounced", "err_no_smtp", "bounced", "bounced", true],
        ["hard_bounced", "err_dest_invalid", "bounced", "invalid", true],
        ["hard_bounced", "err_giveup", "bounced", "timed_out", false],
        ["hard_bounced", "err_unsubscribed", "rejected", "unsubscribed", null],
        ["hard_bounced", "skip_dup_unreachable", "rejected", "bounced", null],
        ["hard_bounced", "skip_dup_temp_unreachable", "rejected", "bounced", null],
        ["hard_bounced", "skip_dup_mailbox_full", "rejected", "bounced", null],
        ["soft_bounced", "err_mailbox_full", "deferred", "bounced", null],
        ["soft_bounced", "err_resend", "deferred", null, null],
        ["soft_bounced", "err_retry_letter", "deferred", null, null],
      ].map(([name, outcome, eventType, rejectReason, permanent]) => [
        `${name}: ${outcome}`,
        [
          status({ status: name, delivery_info: { delivery_status: outcome } }),
          { eventType, rejectReason, permanent, description: outcome },
        ] as const,
      ]),
    ),
    complained: [status({ status: "spam" }), { eventType: "complained", rejectReason: "spam" }],
    "why somebody unsubscribed": [
      status({ status: "unsubscribed", comment: "too many" }),
      { eventType: "unsubscribed", rejectReason: "unsubscribed", description: "too many" },
    ],
    "a server that is blocked": [
      { event_name: "transactional_spam_block", event_data: { domain: "example.org" } },
      null,
    ],
  },
});

// `event_format: json_post_gzip` of https://godocs.unisender.ru/web-api-ref#webhook-set
describe("Unisender Go's gzip posts", () => {
  it.each([{ "content-encoding": "gzip" }, {}])(
    "are read, and verified, with headers %o",
    async (headers) => {
      const [key] = keys;
      const post = jsonBody({ auth: PLACEHOLDER, events_by_user: [{ user_id: 1, events: [delivered] }] });
      const { body } = await key.sign(post, 0);
      const statuses: string[] = [];
      const handler = trackingWebhook({
        apiKey: key.option,
        onEvent: ({ eventType }) => void statuses.push(eventType),
      });
      const request = requestOf({ headers: { ...post.headers, ...headers }, body: gzipSync(body) });
      expect((await handler(request)).status).toBe(200);
      expect(statuses).toEqual(["delivered"]);
    },
  );
});
