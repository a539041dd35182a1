import { readNotification, type SnsEnvelope, type SnsOptions, snsWebhook } from "@posthorn/core/sns";
import {
  dateOf,
  idOf,
  isRecord,
  type JsonRecord,
  jsonOf,
  listOf,
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
  type WebhookHandler,
} from "@posthorn/core/webhooks";
import { SCALEWAY_SNS } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface ScalewayTrackingOptions extends SnsOptions<TrackingEvent> {}

// https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  email_queued: "queued",
  email_delivered: "delivered",
  email_deferred: "deferred",
  email_dropped: "bounced",
  email_mailbox_not_found: "bounced",
  email_blocklisted: "rejected",
};

const REASONS: Readonly<Record<string, RejectReason>> = {
  email_dropped: "bounced",
  email_mailbox_not_found: "bounced",
  email_spam: "spam",
};

/** Why Scaleway stopped sending to an address: both kinds are for mail that bounced before. */
const BLOCKLISTS: Readonly<Record<string, RejectReason>> = {
  mailbox_full: "bounced",
  mailbox_not_found: "bounced",
};

/**
 * Takes the webhooks of Scaleway's Transactional Email, which come through a topic of Topics and Events.
 *
 * @see https://www.scaleway.com/en/docs/transactional-email/how-to/create-webhooks/
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: ScalewayTrackingOptions): WebhookHandler {
  return snsWebhook<TrackingEvent, ScalewayTrackingOptions>({ service: SCALEWAY_SNS, read }, options);
}

function read(envelope: SnsEnvelope): readonly TrackingEvent[] {
  const notification = readNotification("Scaleway", envelope);
  return readEach("Scaleway", [notification], () => [readEvent(notification)]);
}

function readEvent(event: JsonRecord): TrackingFields {
  const type = stringOf(event["type"]) ?? "";
  const code = numberOf(event["email_response_code"]) || null;
  const answer = stringOf(event["email_response_message"]) || stringOf(event["email_error"]);
  return {
    eventType: type === "email_spam" ? spamType(code) : (ownProperty(TYPES, type) ?? "unknown"),
    eventId: idOf(event["id"]),
    messageId: idOf(event["email_id"]),
    recipient: stringOf(event["email_to"]),
    timestamp: dateOf(event["created_at"]),
    rejectReason:
      type === "email_blocklisted"
        ? (ownProperty(BLOCKLISTS, stringOf(event["blocklist_type"])) ?? "blocked")
        : (ownProperty(REASONS, type) ?? null),
    description: stringOf(event["blocklist_reason"]) || (ownProperty(TYPES, type) ? null : type || null),
    mtaResponse: [code, answer].filter(Boolean).join(" ") || null,
    // Where sending put them.
    tags: stringsOf(jsonOf(headerOf(event, "x-tags"))),
    metadata: recordOf(jsonOf(headerOf(event, "x-metadata"))),
  };
}

/** Spam is what the receiving server called so in its answer, or else what Scaleway itself did not send. */
function spamType(code: number | null): TrackingEventType {
  return code === null ? "rejected" : "bounced";
}

function headerOf(event: JsonRecord, name: string): string | null {
  const found = listOf(event["email_headers"])
    .filter(isRecord)
    .find(({ key }) => stringOf(key)?.toLowerCase() === name);
  return found ? stringOf(found["value"]) : null;
}
