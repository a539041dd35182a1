import {
  ConfigurationError,
  dateOfSeconds,
  idOf,
  isRecord,
  type JsonRecord,
  lookUp,
  numberOf,
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
import { type PostalSignatureOptions, verifySignature } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface PostalTrackingOptions extends WebhookOptions<TrackingEvent>, PostalSignatureOptions {}

// https://docs.postalserver.io/developer/webhooks
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  MessageSent: "delivered",
  MessageDelayed: "deferred",
  MessageDeliveryFailed: "failed",
  MessageHeld: "queued",
  MessageBounced: "bounced",
  MessageLinkClicked: "clicked",
  MessageLoaded: "opened",
};

/**
 * Takes Postal's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: PostalTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("Postal", "POSTAL", { webhookKey: "secrets" }, options);
  const { webhookKey } = resolved;
  return webhookHandler(
    {
      provider: "Postal",
      maxBodyBytes: 10_000_000,
      verifiedBy: "webhookKey",
      verify: webhookKey ? (post) => verifySignature(post, webhookKey) : undefined,
      read: (post) => {
        const body = post.json();
        if (isRecord(body) && "rcpt_to" in body) {
          throw new ConfigurationError(
            "Postal: this is received mail; point the route at the inbound webhook",
            {
              provider: "Postal",
            },
          );
        }
        return readEach("Postal", [body], (entry) => [readEvent(recordOf(entry))]);
      },
    },
    resolved,
  );
}

function readEvent(entry: JsonRecord): TrackingFields {
  const payload = recordOf(entry["payload"]);
  const seconds = numberOf(entry["timestamp"]);
  // Whatever the event is called, one with the bounce's own mail tells of a bounce.
  const bounced = isRecord(payload["bounce"]);
  const message = recordOf(bounced ? payload["original_message"] : payload["message"]);
  const eventType = bounced ? "bounced" : (lookUp(TYPES, textOf(entry["event"])) ?? "unknown");
  const rejectReason: RejectReason | null = eventType === "bounced" ? "bounced" : null;
  return {
    eventType,
    eventId: idOf(entry["uuid"]),
    messageId: idOf(message["id"]),
    recipient: textOf(message["to"]),
    timestamp: seconds === null ? null : dateOfSeconds(Math.floor(seconds)),
    rejectReason,
    description: textOf(payload["details"]),
    mtaResponse: textOf(payload["output"]),
    tags: textsOf(message["tag"]),
    clickUrl: textOf(payload["url"]),
    userAgent: textOf(payload["user_agent"]),
  };
}
