import {
  basicAuthKeys,
  describeWebhookConformance,
  describeWebhookEvents,
  jsonBody,
  jsonListPost,
  jsonPost,
  requestOf,
  type SamplePost,
} from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const delivered = {
  event: "delivered",
  email: "grace@example.org",
  "message-id": "<m1@example.com>",
  ts_epoch: 1_764_000_000_500,
  tags: ["welcome"],
  "X-Mailin-custom": '{"userId":42}',
};

describeWebhookConformance({
  name: "Brevo tracking",
  webhook: trackingWebhook,
  failedWith: 429,
  verifiedBy: "basicAuth",
  withoutEventId: true,
  post: jsonListPost,
  samples: [
    {
      entry: delivered,
      event: {
        eventType: "delivered",
        messageId: "<m1@example.com>",
        timestamp: new Date(1_764_000_000_500),
        tags: ["welcome"],
        metadata: { userId: 42 },
      },
    },
    {
      entry: { ...delivered, event: "click", link: "https://example.com/" },
      event: { eventType: "clicked", clickUrl: "https://example.com/", recipient: "grace@example.org" },
    },
  ],
});

const received = {
  Uuid: ["u1"],
  Headers: {
    From: "Ada <ada@example.com>",
    To: ["Grace <grace@example.org>"],
    Subject: "Hello ✓",
    "Delivered-To": "grace@inbound.example.org",
    "Return-Path": "<bounces@example.com>",
  },
  RawTextBody: "Hi\n> old",
  RawHtmlBody: null,
  ExtractedMarkdownMessage: "Hi",
  SpamScore: 0.4,
};

describeWebhookConformance({
  name: "Brevo inbound",
  refusedWith: 429,
  failedWith: 429,
  webhook: inboundWebhook,
  verifiedBy: "basicAuth",
  post: (items) => jsonBody({ items }),
  unreadable: [null, 5, "text", true, []],
  samples: [
    {
      entry: received,
      event: {
        eventType: "inbound",
        eventId: "u1",
        message: {
          from: { name: "Ada", email: "ada@example.com" },
          to: [{ name: "Grace", email: "grace@example.org" }],
          subject: "Hello ✓",
          text: "Hi\n> old",
          strippedText: "Hi",
          spamScore: 0.4,
          envelopeSender: "bounces@example.com",
          envelopeRecipient: "grace@inbound.example.org",
        },
      },
    },
    { entry: { ...received, Uuid: ["u2"] }, event: { eventId: "u2" } },
  ],
});

// https://developers.brevo.com/docs/transactional-webhooks
describeWebhookEvents({
  name: "Brevo tracking",
  webhook: trackingWebhook,
  post: jsonPost,
  cases: Object.fromEntries(
    [
      ["request", "queued", null],
      ["deferred", "deferred", null],
      ["hard_bounce", "bounced", "bounced", true],
      ["soft_bounce", "bounced", "bounced", false],
      ["invalid_email", "bounced", "invalid", true],
      ["blocked", "rejected", "blocked"],
      ["error", "failed", null],
      ["spam", "complained", "spam"],
      ["complaint", "complained", "spam"],
      ["opened", "opened", null],
      ["unique_opened", "opened", null],
      ["proxy_open", "opened", null],
      ["unique_proxy_open", "opened", null],
      ["unsubscribe", "unsubscribed", "unsubscribed"],
      ["unsubscribed", "unsubscribed", "unsubscribed"],
      ["something new", "unknown", null],
    ].map(([event, eventType, rejectReason, permanent = null]) => [
      event,
      [
        { ...delivered, event },
        { eventType, rejectReason, permanent },
      ] as const,
    ]),
  ),
});

const bearerKeys = basicAuthKeys().map(({ option }) => ({
  option,
  sign: (post: SamplePost) => ({ ...post, headers: { ...post.headers, authorization: `Bearer ${option}` } }),
})) as unknown as ReturnType<typeof basicAuthKeys>;

describe("Brevo's bearer token", () => {
  it("is taken, one of several, and nothing else", async () => {
    const [one, two, stranger] = bearerKeys;
    for (const webhook of [trackingWebhook, inboundWebhook]) {
      const body = JSON.stringify(webhook === trackingWebhook ? delivered : { items: [received] });
      const handler = webhook({ bearerToken: [one.option, two.option], onEvent: () => {} });
      const statuses = [one, two, stranger].map(async ({ sign }) => {
        const signed = await sign({ headers: {}, body }, 0);
        return (await handler(requestOf(signed))).status;
      });
      const refused = webhook === trackingWebhook ? 400 : 429;
      expect(await Promise.all(statuses)).toEqual([200, 200, refused]);
      expect((await handler(requestOf({ headers: {}, body }))).status).toBe(refused);
      const basic = { authorization: `Basic ${btoa(one.option)}` };
      expect((await handler(requestOf({ headers: basic, body }))).status).toBe(refused);
    }
  });
});
