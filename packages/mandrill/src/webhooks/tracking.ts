import {
  dateOfSeconds,
  idOf,
  ownProperty,
  readEach,
  recordOf,
  resolveWebhookOptions,
  stringOf,
  stringsOf,
  type TrackingEvent,
  type TrackingEventType,
  type TrackingFields,
  type WebhookHandler,
  type WebhookOptions,
  webhookHandler,
} from "@posthorn/core/webhooks";
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

/**
 * Takes Mandrill's message and sync webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MandrillTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions(
    "Mandrill",
    "MANDRILL",
    { signingKey: { secrets: "WEBHOOK_KEY" }, webhookUrl: "text" },
    options,
  );
  return webhookHandler(
    {
      provider: "Mandrill",
      maxBodyBytes: 10_000_000,
      verifiedBy: "signingKey",
      verify:
        resolved.signingKey || resolved.basicAuth ? (post) => verifySignature(post, resolved) : undefined,
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
      recipient: stringOf(listed["email"]),
      description: stringOf(listed["detail"] ?? listed["reason"]),
      timestamp: dateOfSeconds(entry["ts"]),
    };
  }
  const event = String(entry["event"]);
  const message = recordOf(entry["msg"]);
  return {
    eventType: ownProperty(TYPES, event) ?? "unknown",
    messageId: idOf(message["_id"] ?? entry["_id"]),
    recipient: stringOf(message["email"]),
    timestamp: dateOfSeconds(entry["ts"]),
    // Why is in `raw.msg.bounce_description` and `raw.msg.reject`, in words that Mandrill does not list.
    mtaResponse: stringOf(message["diag"]),
    tags: stringsOf(message["tags"]),
    metadata: recordOf(message["metadata"]),
    clickUrl: stringOf(entry["url"]),
    userAgent: stringOf(entry["user_agent"]),
  };
}
