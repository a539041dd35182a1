import {
  bareAddress,
  dateOfSeconds,
  type EventMeaning,
  idOf,
  isRecord,
  type JsonRecord,
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
import { EVENTS, STATUSES } from "./meanings.js";
import { POSTAL, type PostalSignatureOptions } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface PostalTrackingOptions extends WebhookOptions<TrackingEvent>, PostalSignatureOptions {}

/**
 * Takes Postal's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: PostalTrackingOptions): WebhookHandler {
  return trackingHandler({ ...POSTAL, read }, options);
}

function read(post: WebhookPost): readonly TrackingEvent[] {
  const body = post.isForm ? null : post.json();
  if (post.isForm || (isRecord(body) && "rcpt_to" in body)) throw misdirected("Postal", "message");
  return readEach("Postal", [body], (entry) => readEvents(recordOf(entry)));
}

function readEvents(entry: JsonRecord): readonly TrackingFields[] {
  const payload = recordOf(entry["payload"]);
  const seconds = numberOf(entry["timestamp"]);
  const message = recordOf(payload["message"] ?? payload["original_message"]);
  // Postal tells too what becomes of mail that it receives and passes on.
  if (message["direction"] === "incoming") return [];
  const event = stringOf(entry["event"]);
  const meaning = meaningOf(payload, event);
  return [
    {
      ...meaningFields(meaning),
      eventId: idOf(entry["uuid"]),
      messageId: idOf(message["id"]),
      recipient: bareAddress(stringOf(message["to"])),
      timestamp: seconds === null ? null : dateOfSeconds(Math.floor(seconds)),
      description: stringOf(payload["details"]) || (meaning ? null : event),
      mtaResponse: stringOf(payload["output"]) || null,
      tags: stringsOf(message["tag"]),
      clickUrl: stringOf(payload["url"]),
      userAgent: stringOf(payload["user_agent"]),
    },
  ];
}

/** The status tells more than the event's name, and a bounce comes under several names. */
function meaningOf(payload: JsonRecord, event: string | null): EventMeaning | undefined {
  if (isRecord(payload["bounce"])) return EVENTS["MessageBounced"];
  const status = stringOf(payload["status"]);
  const isRefused = /^5\d\d\b/.test(stringOf(payload["output"])?.trim() ?? "");
  if (status === "HardFail" && isRefused) return STATUSES["HardFail, output 5xx"];
  // Postal has no code for it.
  const isSuppressed = /\bsuppression list\b/i.test(stringOf(payload["details"]) ?? "");
  if (status === "Held" && isSuppressed) return STATUSES["Held, on the suppression list"];
  return ownProperty(STATUSES, status) ?? ownProperty(EVENTS, event);
}
