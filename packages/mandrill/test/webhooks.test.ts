import { createHmac } from "node:crypto";
import {
  describeWebhookConformance,
  formPost,
  SAMPLE_MAIL,
  SAMPLE_MIME,
  SAMPLE_URL,
  type WebhookKey,
} from "@posthorn/testing/webhooks";
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
  verifiedBy: "webhookKey",
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
  verifiedBy: "webhookKey",
  keys,
  withoutEventId: true,
  post,
  samples: [
    { entry: received, event: mail },
    { entry: received, event: mail },
  ],
});
