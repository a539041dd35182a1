import {
  ConfigurationError,
  dateOfSeconds,
  idOf,
  isRecord,
  type JsonRecord,
  jsonOf,
  numberOf,
  ownProperty,
  type RejectReason,
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
import { type BrevoTokenOptions, verifyToken } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface BrevoTrackingOptions extends WebhookOptions<TrackingEvent>, BrevoTokenOptions {}

// https://developers.brevo.com/docs/transactional-webhooks
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  request: "queued",
  sent: "sent",
  delivered: "delivered",
  hard_bounce: "bounced",
  soft_bounce: "bounced",
  invalid_email: "bounced",
  blocked: "rejected",
  deferred: "deferred",
  error: "failed",
  spam: "complained",
  complaint: "complained",
  opened: "opened",
  unique_opened: "opened",
  proxy_open: "opened",
  unique_proxy_open: "opened",
  click: "clicked",
  unsubscribed: "unsubscribed",
  unsubscribe: "unsubscribed",
  list_addition: "subscribed",
};

const REASONS: Readonly<Record<string, RejectReason>> = {
  hard_bounce: "bounced",
  soft_bounce: "bounced",
  invalid_email: "invalid",
  blocked: "blocked",
  spam: "spam",
  complaint: "spam",
};

/**
 * Takes Brevo's transactional webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: BrevoTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("Brevo", "BREVO", { bearerToken: "secrets" }, options);
  const { bearerToken } = resolved;
  return webhookHandler(
    {
      provider: "Brevo",
      maxBodyBytes: 10_000_000,
      verifiedBy: "bearerToken",
      verify: bearerToken ? (post) => verifyToken(post, bearerToken) : undefined,
      read: (post) => {
        const body = post.json();
        if (isRecord(body) && "items" in body) {
          throw new ConfigurationError("Brevo: this is received mail; point it at the inbound webhook", {
            provider: "Brevo",
          });
        }
        // Batched webhooks post a list.
        return readEach("Brevo", Array.isArray(body) ? body : [body], (entry) => [
          readEvent(recordOf(entry)),
        ]);
      },
    },
    resolved,
  );
}

function readEvent(entry: JsonRecord): TrackingFields {
  const event = stringOf(entry["event"]) ?? "";
  const milliseconds = numberOf(entry["ts_epoch"]);
  return {
    eventType: ownProperty(TYPES, event) ?? "unknown",
    messageId: idOf(entry["message-id"]),
    recipient: stringOf(entry["email"]),
    timestamp: milliseconds === null ? dateOfSeconds(entry["ts_event"]) : dateOfSeconds(milliseconds / 1000),
    rejectReason: ownProperty(REASONS, event) ?? null,
    mtaResponse: stringOf(entry["reason"]),
    tags: stringsOf(entry["tags"] ?? jsonOf(entry["tag"]) ?? entry["tag"]),
    metadata: recordOf(jsonOf(entry["X-Mailin-custom"])),
    clickUrl: stringOf(entry["link"]),
    userAgent: stringOf(entry["user_agent"]),
  };
}
