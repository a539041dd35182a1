import {
  dateOfSeconds,
  idOf,
  listOf,
  lookUp,
  type RejectReason,
  readEach,
  recordOf,
  resolveWebhookOptions,
  type TrackingEvent,
  type TrackingEventType,
  type TrackingFields,
  textOf,
  textsOf,
  type WebhookHandler,
  type WebhookOptions,
  webhookHandler,
} from "@posthorn/core/webhook";
import { eventsOf } from "./events.js";
import { type MandrillSignatureOptions, verifySignature } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface MandrillTrackingOptions extends WebhookOptions<TrackingEvent>, MandrillSignatureOptions {}

// https://mailchimp.com/developer/transactional/docs/webhooks/
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  send: "sent",
  deferral: "deferred",
  hard_bounce: "bounced",
  soft_bounce: "bounced",
  delivered: "delivered",
  open: "opened",
  click: "clicked",
  spam: "complained",
  unsub: "unsubscribed",
  reject: "rejected",
};

const REASONS: Readonly<Record<string, RejectReason>> = {
  hard_bounce: "bounced",
  soft_bounce: "bounced",
  spam: "spam",
  unsub: "unsubscribed",
  reject: "blocked",
};

/** Why Mandrill did not send. https://mailchimp.com/developer/transactional/docs/reputation-rejections/ */
const REJECTIONS: Readonly<Record<string, RejectReason>> = {
  "hard-bounce": "bounced",
  "soft-bounce": "bounced",
  spam: "spam",
  unsub: "unsubscribed",
  invalid: "invalid",
};

/**
 * Takes Mandrill's message and sync webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MandrillTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions(
    "Mandrill",
    "MANDRILL",
    { webhookKey: "secrets", webhookUrl: "text" },
    options,
  );
  return webhookHandler(
    {
      provider: "Mandrill",
      maxBodyBytes: 10_000_000,
      verifiedBy: "webhookKey",
      verify:
        resolved.webhookKey || resolved.webhookSecret ? (post) => verifySignature(post, resolved) : undefined,
      read: (post) =>
        readEach(
          "Mandrill",
          eventsOf(post).filter((entry) => recordOf(entry)["event"] !== "inbound"),
          (entry) => [readEvent(recordOf(entry))],
        ),
    },
    resolved,
  );
}

function readEvent(entry: Readonly<Record<string, unknown>>): TrackingFields {
  // Sync webhooks tell of the lists of addresses, not of a mail.
  if (entry["event"] === undefined) {
    const listed = recordOf(entry["reject"] ?? entry["entry"]);
    return {
      recipient: textOf(listed["email"]),
      description: textOf(listed["reason"] ?? listed["detail"]),
      timestamp: dateOfSeconds(entry["ts"]),
    };
  }
  const event = String(entry["event"]);
  const message = recordOf(entry["msg"]);
  const rejection = textOf(recordOf(message["reject"])["reason"]);
  const lastAnswer = recordOf(listOf(message["smtp_events"]).at(-1));
  return {
    eventType: lookUp(TYPES, event) ?? "unknown",
    messageId: idOf(message["_id"] ?? entry["_id"]),
    recipient: textOf(message["email"]),
    timestamp: dateOfSeconds(entry["ts"]),
    rejectReason: lookUp(REJECTIONS, rejection) ?? lookUp(REASONS, event) ?? null,
    description: textOf(message["bounce_description"]) ?? rejection,
    mtaResponse: textOf(message["diag"] ?? lastAnswer["diag"]),
    tags: textsOf(message["tags"]),
    metadata: recordOf(message["metadata"]),
    clickUrl: textOf(entry["url"]),
    userAgent: textOf(entry["user_agent"]),
  };
}
