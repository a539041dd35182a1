import {
  dateOf,
  idOf,
  isRecord,
  type JsonRecord,
  meaningFields,
  misdirected,
  ownProperty,
  readEach,
  recordOf,
  type Secrets,
  stringOf,
  stringsOf,
  type TrackingEvent,
  type TrackingFields,
  trackingHandler,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { ACTIVITIES } from "./meanings.js";
import { MAILERSEND } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface MailerSendTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** The webhook's signing secret. Environment: `MAILERSEND_SIGNING_SECRET`. */
  readonly signingKey?: Secrets | undefined;
}

/**
 * Takes MailerSend's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MailerSendTrackingOptions): WebhookHandler {
  return trackingHandler({ ...MAILERSEND, options: FORMS, read }, options);
}

const FORMS = { signingKey: { secrets: "SIGNING_SECRET" } } as const;

function read(post: WebhookPost): readonly TrackingEvent[] {
  const body = post.json();
  if (recordOf(body)["type"] === "inbound.message") throw misdirected("MailerSend", "message");
  return readEach("MailerSend", [body], (entry) => readPost(recordOf(entry)));
}

/** The event of a post; none where MailerSend's test of the URL is all. */
function readPost(body: JsonRecord): readonly TrackingFields[] {
  const type = stringOf(body["type"]);
  if (type === "webhook.test") return [];
  const data = recordOf(body["data"]);
  if (type !== null && !type.startsWith("activity.")) return [readAccountEvent(type, data, body)];
  return [isRecord(data["email"]) ? readVersion1(data) : readVersion2(data, body)];
}

/**
 * An event of the account: a recipient on hold, a bulk request that ended, maintenance. Its `data` is what it is about, whose
 * id is the same in the events that follow.
 *
 * @see https://developers.mailersend.com/api/v1/webhooks.html#available-events
 */
function readAccountEvent(type: string, data: JsonRecord, body: JsonRecord): TrackingFields {
  return {
    recipient: stringOf(data["recipient"] ?? data["email"]),
    timestamp: dateOf(body["created_at"]),
    description: type,
  };
}

/** Payload version 2. https://developers.mailersend.com/api/v1/webhooks.html */
function readVersion2(data: JsonRecord, body: JsonRecord): TrackingFields {
  const type = stringOf(data["type"]);
  const meaning = ownProperty(ACTIVITIES, type);
  const detail = recordOf(data["meta"]);
  const why = ["bounce_reason", "reject_reason", "suppression_reason", "unsubscribe_reason"];
  return {
    ...meaningFields(meaning),
    eventId: idOf(data["id"]),
    messageId: idOf(data["message_id"]),
    recipient: stringOf(data["recipient"]),
    timestamp: dateOf(body["created_at"]),
    description: why.map((name) => stringOf(detail[name])).find(Boolean) ?? (meaning ? null : type),
    mtaResponse: stringOf(detail["bounce_code"]),
    tags: stringsOf(data["tags"]),
    clickUrl: stringOf(detail["url"]),
    userAgent: stringOf(detail["user_agent"]),
  };
}

/** The payload of before, which webhooks keep until they are changed over. */
function readVersion1(data: JsonRecord): TrackingFields {
  const type = stringOf(data["type"]);
  const meaning = ownProperty(ACTIVITIES, type);
  const email = recordOf(data["email"]);
  const detail = recordOf(data["morph"]);
  return {
    ...meaningFields(meaning),
    eventId: idOf(data["id"]),
    messageId: idOf(recordOf(email["message"])["id"]),
    recipient: stringOf(recordOf(email["recipient"])["email"]),
    timestamp: dateOf(data["created_at"]),
    description: stringOf(detail["readable_reason"]) ?? stringOf(detail["reason"]) ?? (meaning ? null : type),
    tags: stringsOf(email["tags"]),
    clickUrl: stringOf(detail["url"]),
    userAgent: stringOf(detail["user_agent"]),
  };
}
