import {
  dateOfSeconds,
  type EventMeaning,
  idOf,
  isRecord,
  type JsonRecord,
  jsonOf,
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
  WebhookRequestError,
} from "@posthorn/core/webhooks";
import { ERRORS, EVENTS } from "./meanings.js";

/** Options of {@link trackingWebhook}. */
export interface MailjetTrackingOptions extends WebhookOptions<TrackingEvent> {}

/**
 * Takes Mailjet's event webhooks, one event or a group in a post.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MailjetTrackingOptions): WebhookHandler {
  return trackingHandler({ ...MAILJET, read }, options);
}

/** What both of Mailjet's webhooks have. Mailjet posts again what is answered with anything but 200. */
export const MAILJET = { name: "Mailjet", envPrefix: "MAILJET" } as const;

function read(post: WebhookPost): readonly TrackingEvent[] {
  // Sending gives these ids as strings, which hold those beyond the integers of JavaScript.
  const body = jsonOf(post.text().replace(/("MessageID"\s*:\s*)(\d+)/g, '$1"$2"'));
  if (!Array.isArray(body) && !isRecord(body)) {
    throw new WebhookRequestError("Mailjet: the body is not JSON of events", { status: 400 });
  }
  if (isRecord(body) && body["event"] === undefined && MESSAGE.some((name) => name in body)) {
    throw misdirected("Mailjet", "message");
  }
  return readEach("Mailjet", Array.isArray(body) ? body : [body], (entry) => [readEvent(recordOf(entry))]);
}

/** Members of a received message, which events have not. */
const MESSAGE = ["Headers", "Sender", "Recipient", "Text-part", "Html-part", "Parts"];

function readEvent(entry: JsonRecord): TrackingFields {
  const error = stringOf(entry["error"]) || null;
  const event = stringOf(entry["event"]);
  const payload = jsonOf(entry["Payload"]);
  return {
    ...meaningFields(meaningOf(entry, error)),
    messageId: idOf(entry["MessageID"]),
    recipient: stringOf(entry["email"]),
    timestamp: dateOfSeconds(entry["time"]),
    description: stringOf(entry["comment"]) || (ownProperty(EVENTS, event) ? null : event),
    mtaResponse: stringOf(entry["smtp_reply"]) || null,
    tags: stringsOf(entry["customcampaign"]),
    metadata: recordOf(payload),
    clickUrl: stringOf(entry["url"]),
    userAgent: stringOf(entry["agent"]),
  };
}

/** Mailjet tells of what it tries again, and of what it never sent, as of bounces too. */
function meaningOf(entry: JsonRecord, error: string | null): EventMeaning | undefined {
  const known = ownProperty(EVENTS, stringOf(entry["event"]));
  const isHard = entry["hard_bounce"];
  const reason = error === null ? known?.[1] : (ownProperty(ERRORS, error) ?? "other");
  if (error === "greylisted" && isHard !== true) return ["deferred", reason];
  if (!known) return undefined;
  if (known[0] === "bounced" && entry["error_related_to"] === "mailjet") return ["rejected", reason];
  return [known[0], reason, typeof isHard === "boolean" ? isHard : null];
}
