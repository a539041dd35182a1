import { createHash } from "node:crypto";
import { describeWebhookConformance, jsonBody, type WebhookKey } from "@posthorn/testing/webhooks";
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
