import { createHmac } from "node:crypto";
import {
  describeWebhookConformance,
  describeWebhookEvents,
  formPost,
  requestOf,
  SAMPLE_MAIL,
  SAMPLE_MIME,
  SAMPLE_URL,
  type WebhookKey,
} from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const keys = ["one", "two", "stranger"].map((name): WebhookKey => {
  const option = `made-up-${name}`;
  return {
    option,
    sign: (post) => {
      const fields = [...new URLSearchParams(String(post.body))].flat().join("");
      const signature = createHmac("sha1", option)
        .update(SAMPLE_URL + fields)
        .digest("base64");
      return { ...post, headers: { ...post.headers, "x-mandrill-signature": signature } };
    },
  };
}) as [WebhookKey, WebhookKey, WebhookKey];

const post = (entries: readonly unknown[]) => formPost({ mandrill_events: JSON.stringify(entries) });
const sent = {
  event: "send",
  _id: "m1",
  ts: 1_764_000_000,
  msg: { _id: "m1", email: "grace@example.org", tags: ["welcome"], metadata: { userId: 42 } },
};

describeWebhookConformance({
  name: "Mandrill tracking",
  webhook: trackingWebhook,
  verifiedBy: "signingKey",
  keys,
  withoutEventId: true,
  post,
  samples: [
    {
      entry: sent,
      event: { eventType: "sent", messageId: "m1", tags: ["welcome"], metadata: { userId: 42 } },
    },
    {
      entry: { ...sent, event: "open", user_agent: "Thunderbird" },
      event: { eventType: "opened", recipient: "grace@example.org", userAgent: "Thunderbird" },
    },
  ],
});

const received = {
  event: "inbound",
  ts: 1_764_000_000,
  msg: {
    raw_msg: SAMPLE_MIME,
    email: "grace@inbound.example.org",
    sender: "bounces@example.com",
    spam_report: { score: 0.4 },
    spf: { result: "pass" },
    dkim: { signed: true, valid: false },
  },
};
const mail = {
  ...SAMPLE_MAIL,
  message: {
    ...SAMPLE_MAIL.message,
    envelopeSender: "bounces@example.com",
    envelopeRecipient: "grace@inbound.example.org",
    spamScore: 0.4,
    authentication: { spf: "pass", dkim: "fail", dmarc: null },
  },
};

describeWebhookConformance({
  name: "Mandrill inbound",
  webhook: inboundWebhook,
  verifiedBy: "signingKey",
  keys,
  withoutEventId: true,
  post,
  samples: [
    { entry: received, event: mail },
    { entry: received, event: mail },
  ],
});

// https://mailchimp.com/developer/transactional/docs/webhooks/
describeWebhookEvents({
  name: "Mandrill tracking",
  webhook: trackingWebhook,
  post,
  cases: {
    "a bounce": [
      {
        ...sent,
        event: "hard_bounce",
        msg: { ...sent.msg, diag: "550 no", bounce_description: "bad_mailbox" },
      },
      {
        eventType: "bounced",
        mtaResponse: "550 no",
        rejectReason: "bounced",
        permanent: true,
        description: "bad_mailbox",
      },
    ],
    delivered: [{ ...sent, event: "delivered" }, { eventType: "delivered" }],
    "a soft bounce": [
      { ...sent, event: "soft_bounce" },
      { eventType: "bounced", permanent: false },
    ],
    spam: [
      { ...sent, event: "spam" },
      { eventType: "complained", rejectReason: "spam" },
    ],
    ...Object.fromEntries(
      [
        ["hard-bounce", "bounced"],
        ["soft-bounce", "bounced"],
        ["spam", "spam"],
        ["unsub", "unsubscribed"],
        ["custom", "blocked"],
        ["rule", "blocked"],
        ["invalid", "invalid"],
        ["invalid-sender", "invalid"],
        ["unsigned", "other"],
        ["test-mode-limit", "other"],
      ].map(([reason, rejectReason]) => [
        `rejected: ${reason}`,
        [
          { ...sent, event: "reject", msg: { ...sent.msg, reject: { reason } } },
          { eventType: "rejected", rejectReason, description: reason, permanent: null },
        ] as const,
      ]),
    ),
    "an address on the list": [
      {
        type: "blacklist",
        action: "add",
        reject: { email: "grace@example.org", reason: "unsub", detail: "by hand" },
      },
      { eventType: "unknown", recipient: "grace@example.org", description: "by hand" },
    ],
  },
});

describe("Mandrill's signature", () => {
  const status = async (webhookUrl: string | undefined, url: string) => {
    const handler = trackingWebhook({ signingKey: keys[0].option, webhookUrl, onEvent: () => {} });
    return (await handler(requestOf({ ...(await keys[0].sign(post([sent]), 0)), url }))).status;
  };

  it("is over the URL that Mandrill was given, which a proxy may change", async () => {
    expect(await status(undefined, SAMPLE_URL)).toBe(200);
    expect(await status(undefined, "http://127.0.0.1:8080/webhook")).toBe(400);
    expect(await status(SAMPLE_URL, "http://127.0.0.1:8080/webhook")).toBe(200);
    expect(await status("https://example.com/webhook", SAMPLE_URL)).toBe(400);
  });
});
