import {
  dateOfSeconds,
  idOf,
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
import { eventsOf } from "./events.js";
import { EVENTS, REJECTS } from "./meanings.js";
import { MANDRILL, type MandrillSignatureOptions } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface MandrillTrackingOptions extends WebhookOptions<TrackingEvent>, MandrillSignatureOptions {}

/**
 * Takes Mandrill's message and sync webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MandrillTrackingOptions): WebhookHandler {
  return trackingHandler({ ...MANDRILL, read }, options);
}

function read(post: WebhookPost): readonly TrackingEvent[] {
  const entries = eventsOf(post);
  if (entries.some((entry) => recordOf(entry)["event"] === "inbound"))
    throw misdirected("Mandrill", "message");
  return readEach("Mandrill", entries, (entry) => [readEvent(recordOf(entry))]);
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
  const event = stringOf(entry["event"]);
  const message = recordOf(entry["msg"]);
  const meaning = ownProperty(EVENTS, event);
  const why = stringOf(recordOf(message["reject"])["reason"] ?? message["reject"]);
  return {
    ...meaningFields(
      meaning?.[0] === "rejected" ? ["rejected", ownProperty(REJECTS, why) ?? "other"] : meaning,
    ),
    messageId: idOf(message["_id"] ?? entry["_id"]),
    recipient: stringOf(message["email"]),
    timestamp: dateOfSeconds(entry["ts"]),
    description: stringOf(message["bounce_description"]) || why || (meaning ? null : event),
    mtaResponse: stringOf(message["diag"]),
    tags: stringsOf(message["tags"]),
    metadata: recordOf(message["metadata"]),
    clickUrl: stringOf(entry["url"]),
    userAgent: stringOf(entry["user_agent"]),
  };
}
