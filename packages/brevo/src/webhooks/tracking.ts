import {
  dateOfSeconds,
  idOf,
  isRecord,
  type JsonRecord,
  jsonOf,
  meaningFields,
  misdirected,
  numberOf,
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
import { EVENTS } from "./meanings.js";
import { BREVO, type BrevoTokenOptions } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface BrevoTrackingOptions extends WebhookOptions<TrackingEvent>, BrevoTokenOptions {}

/**
 * Takes Brevo's transactional webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: BrevoTrackingOptions): WebhookHandler {
  return trackingHandler({ ...BREVO, read }, options);
}

function read(post: WebhookPost): readonly TrackingEvent[] {
  const body = post.json();
  if (isRecord(body) && "items" in body) throw misdirected("Brevo", "message");
  // Batched webhooks post a list.
  return readEach("Brevo", Array.isArray(body) ? body : [body], (entry) => [readEvent(recordOf(entry))]);
}

function readEvent(entry: JsonRecord): TrackingFields {
  const event = stringOf(entry["event"]);
  const meaning = ownProperty(EVENTS, event);
  const milliseconds = numberOf(entry["ts_epoch"]);
  return {
    ...meaningFields(meaning),
    messageId: idOf(entry["message-id"]),
    recipient: stringOf(entry["email"]),
    timestamp: milliseconds === null ? dateOfSeconds(entry["ts_event"]) : dateOfSeconds(milliseconds / 1000),
    description: meaning ? null : event,
    mtaResponse: stringOf(entry["reason"]),
    tags: stringsOf(entry["tags"] ?? jsonOf(entry["tag"]) ?? entry["tag"]),
    metadata: recordOf(jsonOf(entry["X-Mailin-custom"])),
    clickUrl: stringOf(entry["link"]),
    userAgent: stringOf(entry["user_agent"]),
  };
}
