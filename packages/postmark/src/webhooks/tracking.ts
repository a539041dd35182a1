import {
  dateOf,
  type EventMeaning,
  idOf,
  type JsonRecord,
  meaningFields,
  misdirected,
  ownProperty,
  readEach,
  recordOf,
  stringOf,
  stringsOf,
  type TrackingEvent,
  type TrackingFields,
  trackingHandler,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { BOUNCES, RECORDS } from "./meanings.js";

/** Options of {@link trackingWebhook}. */
export interface PostmarkTrackingOptions extends WebhookOptions<TrackingEvent> {}

/**
 * Takes Postmark's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: PostmarkTrackingOptions): WebhookHandler {
  return trackingHandler({ ...POSTMARK, read }, options);
}

/** What both of Postmark's webhooks have. Postmark posts again what is answered with anything but 200 and 403. */
export const POSTMARK = { name: "Postmark", envPrefix: "POSTMARK" } as const;

function read(post: WebhookPost): readonly TrackingEvent[] {
  const body = post.json();
  const { RecordType: record, ...members } = recordOf(body);
  const isMessage =
    record === undefined && ["RawEmail", "TextBody", "HtmlBody"].some((name) => name in members);
  if (record === "Inbound" || "FromFull" in members || isMessage) throw misdirected("Postmark", "message");
  return readEach("Postmark", [body], (entry) => [readEvent(recordOf(entry))]);
}

function readEvent(entry: JsonRecord): TrackingFields {
  const meaning = meaningOf(entry);
  const type = stringOf(entry["Type"] ?? entry["RecordType"]);
  return {
    ...meaningFields(meaning),
    eventId: stringOf(entry["ID"]),
    messageId: idOf(entry["MessageID"]),
    recipient: stringOf(entry["Recipient"] ?? entry["Email"]),
    timestamp: dateOf(
      entry["ReceivedAt"] ?? entry["DeliveredAt"] ?? entry["BouncedAt"] ?? entry["ChangedAt"],
    ),
    description: stringOf(entry["Description"]) ?? (meaning ? null : type),
    mtaResponse: stringOf(entry["Details"]),
    tags: stringsOf(entry["Tag"]),
    metadata: recordOf(entry["Metadata"]),
    clickUrl: stringOf(entry["OriginalLink"]),
    userAgent: stringOf(entry["UserAgent"]),
  };
}

function meaningOf(entry: JsonRecord): EventMeaning | undefined {
  const record = stringOf(entry["RecordType"]);
  if (record === "SubscriptionChange") {
    if (!entry["SuppressSending"]) return BOUNCES["Subscribe"];
    return ownProperty(BOUNCES, stringOf(entry["SuppressionReason"])) ?? ["unsubscribed", "unsubscribed"];
  }
  // A new type of bounce is one all the same.
  if (record === "Bounce") return ownProperty(BOUNCES, stringOf(entry["Type"])) ?? ["bounced", "bounced"];
  return ownProperty(RECORDS, record);
}
