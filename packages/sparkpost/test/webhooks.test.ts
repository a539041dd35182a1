import {
  describeWebhookConformance,
  describeWebhookEvents,
  jsonListPost,
  requestOf,
  SAMPLE_MAIL,
  SAMPLE_MIME,
} from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const delivery = {
  type: "delivery",
  event_id: "e1",
  transmission_id: "t1",
  raw_rcpt_to: "Grace@example.org",
  rcpt_to: "grace@example.org",
  timestamp: "1764000000",
  rcpt_tags: ["welcome"],
  rcpt_meta: { userId: 42 },
};
const click = { ...delivery, type: "click", event_id: "e2", target_link_url: "https://example.com/" };

describeWebhookConformance({
  name: "SparkPost tracking",
  webhook: trackingWebhook,
  verifiedBy: "basicAuth",
  post: jsonListPost,
  samples: [
    {
      entry: { msys: { message_event: delivery } },
      event: {
        eventType: "delivered",
        messageId: "t1",
        recipient: "Grace@example.org",
        tags: ["welcome"],
        metadata: { userId: 42 },
      },
    },
    {
      entry: { msys: { track_event: click } },
      event: { eventType: "clicked", eventId: "e2", clickUrl: "https://example.com/" },
    },
  ],
});

const received = {
  msys: {
    relay_message: {
      msg_from: "bounces@example.com",
      rcpt_to: "grace@inbound.example.org",
      content: {
        email_rfc822: Buffer.from(SAMPLE_MIME).toString("base64"),
        email_rfc822_is_base64: true,
      },
    },
  },
};
const mail = {
  ...SAMPLE_MAIL,
  message: {
    ...SAMPLE_MAIL.message,
    envelopeSender: "bounces@example.com",
    envelopeRecipient: "grace@inbound.example.org",
  },
};

describeWebhookConformance({
  name: "SparkPost inbound",
  webhook: inboundWebhook,
  verifiedBy: "basicAuth",
  withoutEventId: true,
  post: jsonListPost,
  samples: [
    { entry: received, event: mail },
    { entry: received, event: mail },
  ],
});

// https://support.sparkpost.com/docs/deliverability/bounce-classification-codes
describeWebhookEvents({
  name: "SparkPost tracking",
  webhook: trackingWebhook,
  post: jsonListPost,
  cases: Object.fromEntries(
    [
      ["bounce", "10", "bounced", "invalid", true],
      ["bounce", "24", "bounced", "timed_out", false],
      ["bounce", "50", "bounced", "blocked", false],
      ["bounce", "51", "bounced", "spam", false],
      ["bounce", "60", "autoresponded", "other"],
      ["bounce", "70", "bounced", "bounced", false],
      ["bounce", "1", "bounced", "other"],
      ["bounce", "30", "bounced", "bounced", true],
      ["bounce", "25", "rejected", "blocked"],
      ["bounce", "80", "subscribed", "other"],
      ["bounce", "90", "unsubscribed", "unsubscribed"],
      ["out_of_band", "100", "autoresponded", "other"],
      ["delay", "21", "deferred", "bounced"],
      ["policy_rejection", "25", "rejected", "blocked"],
      ["generation_failure", undefined, "failed", null],
      ["spam_complaint", undefined, "complained", "spam"],
      ["amp_open", undefined, "opened", null],
      ["initial_open", undefined, "unknown", null],
      ["relay_delivery", undefined, "unknown", null],
    ].map(([type, bounce_class, eventType, rejectReason, permanent = null]) => [
      `${type} ${bounce_class ?? ""}`,
      [
        { msys: { message_event: { ...delivery, type, bounce_class } } },
        { eventType, rejectReason, permanent },
      ] as const,
    ]),
  ),
});

describeWebhookEvents({
  name: "SparkPost tracking, of campaigns and first opens",
  webhook: trackingWebhook,
  more: { trackInitialOpenAsOpened: true },
  post: jsonListPost,
  cases: {
    "a first open": [
      { msys: { track_event: { ...delivery, type: "initial_open", campaign_id: "newsletter" } } },
      { eventType: "opened", tags: ["newsletter"] },
    ],
    "a ping": [{ msys: {} }, null],
  },
});

describe("SparkPost's relay webhooks", () => {
  it("may be verified by their own token", async () => {
    const handler = inboundWebhook({ authToken: ["made-up-one", "made-up-two"], onEvent: () => {} });
    const statusOf = async (headers: Record<string, string>) =>
      (await handler(requestOf({ headers, body: JSON.stringify([received]) }))).status;
    expect(await statusOf({ "x-messagesystems-webhook-token": "made-up-one" })).toBe(200);
    expect(await statusOf({ "x-messagesystems-webhook-token": "made-up-two" })).toBe(200);
    expect(await statusOf({ "x-messagesystems-webhook-token": "made-up-three" })).toBe(400);
    expect(await statusOf({ "x-messagesystems-webhook-token": "" })).toBe(400);
    expect(await statusOf({})).toBe(400);
  });
});
