import {
  bareAddress,
  ConfigurationError,
  dateOfSeconds,
  idOf,
  isRecord,
  type JsonRecord,
  numberOf,
  ownProperty,
  type RejectReason,
  readEach,
  recordOf,
  stringOf,
  stringsOf,
  type TrackingEvent,
  type TrackingEventType,
  type TrackingFields,
  trackingHandler,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { POSTAL, type PostalSignatureOptions } from "./signature.js";

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

const STATUSES: Readonly<Record<string, TrackingEventType>> = {
  Sent: "delivered",
  SoftFail: "deferred",
  HardFail: "failed",
  Held: "queued",
};

/**
 * Takes Postal's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: PostalTrackingOptions): WebhookHandler {
  return trackingHandler({ ...POSTAL, read }, options);
}

function read(post: WebhookPost): readonly TrackingEvent[] {
  const body = post.json();
  if (isRecord(body) && "rcpt_to" in body) {
    throw new ConfigurationError("Postal: this is received mail; point the route at the inbound webhook", {
      provider: "Postal",
    });
  }
  return readEach("Postal", [body], (entry) => readEvents(recordOf(entry)));
}

function readEvents(entry: JsonRecord): readonly TrackingFields[] {
  const payload = recordOf(entry["payload"]);
  const seconds = numberOf(entry["timestamp"]);
  const message = recordOf(payload["message"] ?? payload["original_message"]);
  // Postal tells too what becomes of mail that it receives and passes on.
  if (message["direction"] === "incoming") return [];
  const eventType = typeOf(payload, stringOf(entry["event"]));
  const rejectReason: RejectReason | null = eventType === "bounced" ? "bounced" : null;
  return [
    {
      eventType,
      eventId: idOf(entry["uuid"]),
      messageId: idOf(message["id"]),
      recipient: bareAddress(stringOf(message["to"])),
      timestamp: seconds === null ? null : dateOfSeconds(Math.floor(seconds)),
      rejectReason,
      description: stringOf(payload["details"]),
      mtaResponse: stringOf(payload["output"]),
      tags: stringsOf(message["tag"]),
      clickUrl: stringOf(payload["url"]),
      userAgent: stringOf(payload["user_agent"]),
    },
  ];
}

/** The status tells more than the event's name, and a bounce comes under several names. */
function typeOf(payload: JsonRecord, event: string | null): TrackingEventType {
  if (isRecord(payload["bounce"])) return "bounced";
  return ownProperty(STATUSES, stringOf(payload["status"])) ?? ownProperty(TYPES, event) ?? "unknown";
}
