import { createSign, generateKeyPairSync } from "node:crypto";
import {
  describeWebhookConformance,
  describeWebhookEvents,
  jsonPost,
  SAMPLE_MAIL,
  SAMPLE_MIME,
  type WebhookKey,
} from "@posthorn/testing/webhooks";
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
  refusedWith: 500,
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
    held: [told("MessageHeld", { status: "Held" }), { eventType: "queued" }],
    "a link": [
      told("MessageLinkClicked", { url: "https://example.com/", user_agent: "Firefox" }),
      { eventType: "clicked", clickUrl: "https://example.com/" },
    ],
    loaded: [told("MessageLoaded", {}), { eventType: "opened" }],
    "mail that came in": [told("MessageSent", { status: "Sent" }, { direction: "incoming" }), null],
    "a domain": [told("DomainDNSError", {}), { eventType: "unknown" }],
  },
});
