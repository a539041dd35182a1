import { createSign, generateKeyPairSync } from "node:crypto";
import {
  describeWebhookConformance,
  describeWebhookEvents,
  formPost,
  jsonBody,
  jsonPost,
  requestOf,
  SAMPLE_MAIL,
  SAMPLE_MIME,
  type WebhookKey,
} from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const keys = (hash: "sha1" | "sha256") => {
  const key = (): WebhookKey => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const header = hash === "sha1" ? "x-postal-signature" : "x-postal-signature-256";
    return {
      option: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
      sign: (post) => ({
        ...post,
        headers: {
          ...post.headers,
          [header]: createSign(hash).update(post.body).sign(privateKey, "base64"),
        },
      }),
    };
  };
  return [key(), key(), key()] as const;
};

describeWebhookConformance({
  name: "Postal tracking",
  webhook: trackingWebhook,
  verifiedBy: "signingKey",
  keys: keys("sha1"),
  post: jsonPost,
  samples: [
    {
      entry: {
        event: "MessageSent",
        timestamp: 1_764_000_000.25,
        uuid: "e1",
        payload: {
          message: { id: 12_345, to: "grace@example.org", tag: "welcome" },
          status: "Sent",
          details: "accepted by mx.example.org",
          output: "250 ok",
        },
      },
      event: {
        eventType: "delivered",
        eventId: "e1",
        messageId: 12_345,
        recipient: "grace@example.org",
        mtaResponse: "250 ok",
        tags: ["welcome"],
      },
    },
  ],
});

describeWebhookConformance({
  name: "Postal inbound, signed with SHA-256",
  // Postal bounces a message at any 4xx, and tries again after a 5xx.
  refusedWith: 503,
  webhook: inboundWebhook,
  verifiedBy: "signingKey",
  keys: keys("sha256"),
  post: jsonPost,
  samples: [
    {
      entry: {
        id: 7,
        rcpt_to: "grace@inbound.example.org",
        mail_from: "bounces@example.com",
        message: Buffer.from(SAMPLE_MIME).toString("base64"),
        base64: true,
        size: SAMPLE_MIME.length,
      },
      event: {
        ...SAMPLE_MAIL,
        eventId: 7,
        message: {
          ...SAMPLE_MAIL.message,
          envelopeSender: "bounces@example.com",
          envelopeRecipient: "grace@inbound.example.org",
        },
      },
    },
  ],
});

const told = (event: string, payload: object, message: object = {}) => ({
  event,
  timestamp: 1_764_000_000,
  uuid: "e1",
  payload: {
    message: { id: 1, to: "Grace <grace@example.org>", direction: "outgoing", ...message },
    ...payload,
  },
});

// https://docs.postalserver.io/developer/webhooks
describeWebhookEvents({
  name: "Postal tracking",
  webhook: trackingWebhook,
  post: jsonPost,
  cases: {
    "the status before the name": [
      told("MessageDelayed", { status: "SoftFail" }),
      { eventType: "deferred", recipient: "grace@example.org" },
    ],
    failed: [
      told("MessageDeliveryFailed", { status: "HardFail" }),
      { eventType: "failed", rejectReason: null },
    ],
    refused: [
      told("MessageDeliveryFailed", { status: "HardFail", output: "550 5.1.1 no such user" }),
      {
        eventType: "bounced",
        rejectReason: "bounced",
        permanent: true,
        mtaResponse: "550 5.1.1 no such user",
      },
    ],
    "a bounce": [
      { ...told("MessageBounced", {}), payload: { original_message: { id: 1 }, bounce: { id: 2 } } },
      { eventType: "bounced", rejectReason: "bounced", permanent: null },
    ],
    held: [told("MessageHeld", { status: "Held", output: "" }), { eventType: "queued", mtaResponse: null }],
    suppressed: [
      told("MessageHeld", { status: "Held", details: "Recipient (a@b.example) is on the suppression list" }),
      { eventType: "rejected", rejectReason: "blocked" },
    ],
    "a limit": [
      told("SendLimitApproaching", { volume: 90 }),
      { eventType: "unknown", description: "SendLimitApproaching", raw: { payload: { volume: 90 } } },
    ],
    "a link": [
      told("MessageLinkClicked", { url: "https://example.com/", user_agent: "Firefox" }),
      { eventType: "clicked", clickUrl: "https://example.com/" },
    ],
    loaded: [told("MessageLoaded", {}), { eventType: "opened" }],
    "mail that came in": [told("MessageSent", { status: "Sent" }, { direction: "incoming" }), null],
    "a domain": [told("DomainDNSError", {}), { eventType: "unknown" }],
  },
});

const processed = {
  id: 7,
  rcpt_to: "grace@inbound.example.org",
  mail_from: "bounces@example.com",
  token: "made-up",
  subject: "=?utf-8?q?Hello_=E2=9C=93?=",
  message_id: "m1@example.com",
  timestamp: 1_764_000_000.5,
  size: "900",
  spam_status: "NotSpam",
  to: "Grace <grace@example.org>",
  cc: null,
  from: "=?utf-8?q?Muster=2C_Anna?= <ada@example.com>",
  date: "Tue, 24 Nov 2026 12:00:00 +0000",
  html_body: "<p>Hi</p>",
  plain_body: "Hi",
  replies_from_plain_body: "\n> old",
  attachment_quantity: 1,
  reply_to: ["replies@example.com"],
};
const file = {
  filename: "../r\u00e9sum\u00e9.pdf",
  content_type: "application/pdf",
  size: 3,
  data: "YWJj\n",
};
const processedMessage = {
  eventType: "inbound",
  message: {
    from: { name: "Muster, Anna", email: "ada@example.com" },
    to: [{ name: "Grace", email: "grace@example.org" }],
    replyTo: [{ name: "", email: "replies@example.com" }],
    subject: "Hello ✓",
    date: new Date("2026-11-24T12:00:00Z"),
    text: "Hi\n> old",
    strippedText: "Hi",
    html: "<p>Hi</p>",
    spamDetected: false,
    envelopeSender: "bounces@example.com",
    envelopeRecipient: "grace@inbound.example.org",
    attachments: [{ filename: "résumé.pdf", contentType: "application/pdf", inline: false }],
  },
};

// https://docs.postalserver.io/developer/http-payloads
describeWebhookEvents({
  name: "Postal inbound, processed",
  webhook: inboundWebhook,
  post: jsonPost,
  cases: {
    "with a file": [
      { ...processed, attachments: [file] },
      { ...processedMessage, eventId: 7 },
    ],
  },
});

describeWebhookEvents({
  name: "Postal inbound, as a form",
  webhook: inboundWebhook,
  post: ([fields]) => formPost(fields as Record<string, string>),
  cases: {
    processed: [
      {
        ...Object.fromEntries(Object.entries(processed).map(([name, value]) => [name, String(value ?? "")])),
        ...Object.fromEntries(
          Object.entries(file).map(([name, value]) => [`attachments[0][${name}]`, String(value)]),
        ),
      },
      processedMessage,
    ],
    raw: [
      {
        id: "7",
        rcpt_to: "grace@inbound.example.org",
        mail_from: "bounces@example.com",
        message: Buffer.from(SAMPLE_MIME).toString("base64"),
        base64: "true",
      },
      SAMPLE_MAIL,
    ],
  },
});

describe("Postal, which bounces to the sender what is answered with a 4xx", () => {
  it.each([
    ["an event", told("MessageSent", {}), /tracking webhook/],
    ["files that are not posted", processed, /include attachments/],
    ["nothing", {}, /no message/],
    ["no object", 5, /no message/],
    ["an empty raw message", { rcpt_to: "a@b.example", message: "", base64: true }, /no message/],
    ["no base64", { rcpt_to: "a@b.example", message: "*", base64: true }, /no message/],
  ])("is answered 500 for %s", async (_, body, reason) => {
    const handler = inboundWebhook({ insecure: true, onEvent: () => expect.unreachable() });
    const response = await handler(requestOf(jsonBody(body)));
    expect(response.status).toBe(500);
    expect(await response.text()).toMatch(reason);
  });
});
