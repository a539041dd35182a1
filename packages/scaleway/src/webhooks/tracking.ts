import { readNotification, type SnsEnvelope, type SnsOptions, snsWebhook } from "@posthorn/core/sns";
import {
  dateOf,
  type EventMeaning,
  idOf,
  isRecord,
  type JsonRecord,
  jsonOf,
  listOf,
  meaningFields,
  numberOf,
  ownProperty,
  readEach,
  recordOf,
  stringOf,
  stringsOf,
  type TrackingEvent,
  type TrackingFields,
  type WebhookHandler,
} from "@posthorn/core/webhooks";
import { BLOCKLISTS, EVENTS } from "./meanings.js";
import { SCALEWAY_SNS } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface ScalewayTrackingOptions extends SnsOptions<TrackingEvent> {}

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
  const type = stringOf(event["type"]);
  const code = numberOf(event["email_response_code"]) || null;
  const meaning = meaningOf(type, code, stringOf(event["blocklist_type"]));
  const answer = stringOf(event["email_response_message"]) || stringOf(event["email_error"]);
  return {
    ...meaningFields(meaning),
    eventId: idOf(event["id"]),
    messageId: idOf(event["email_id"]),
    recipient: stringOf(event["email_to"]),
    timestamp: dateOf(event["created_at"]),
    description: stringOf(event["blocklist_reason"]) || (meaning ? null : type),
    mtaResponse: [code, answer].filter(Boolean).join(" ") || null,
    // Where sending put them.
    tags: stringsOf(jsonOf(headerOf(event, "x-tags"))),
    metadata: recordOf(jsonOf(headerOf(event, "x-metadata"))),
  };
}

/** @param code of the receiving server's response; without one Scaleway itself did not send the message */
function meaningOf(
  type: string | null,
  code: number | null,
  blocklist: string | null,
): EventMeaning | undefined {
  const known = ownProperty(EVENTS, type);
  if (type === "email_spam" && code === null) return EVENTS["email_spam, no email_response_code"];
  if (type === "email_blocklisted") return ["rejected", ownProperty(BLOCKLISTS, blocklist) ?? "blocked"];
  if (type === "email_dropped" && code !== null) return ["bounced", "bounced", code >= 500];
  return known;
}

function headerOf(event: JsonRecord, name: string): string | null {
  const found = listOf(event["email_headers"])
    .filter(isRecord)
    .find(({ key }) => stringOf(key)?.toLowerCase() === name);
  return found ? stringOf(found["value"]) : null;
}
