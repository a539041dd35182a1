import {
  dateOfSeconds,
  idOf,
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
import { CATEGORIES, EVENTS } from "./meanings.js";
import { entriesOf, isMessage, MAILTRAP } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface MailtrapTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** The signing secret of the webhook. Environment: `MAILTRAP_SIGNING_SECRET`. */
  readonly signingKey?: Secrets | undefined;
}

/**
 * Takes Mailtrap's webhooks, up to 500 events in a post.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MailtrapTrackingOptions): WebhookHandler {
  return trackingHandler({ ...MAILTRAP, options: FORMS, read }, options);
}

const FORMS = { signingKey: { secrets: "SIGNING_SECRET" } } as const;

function read(post: WebhookPost): readonly TrackingEvent[] {
  const entries = entriesOf(post);
  if (entries.some(isMessage)) throw misdirected("Mailtrap", "message");
  return readEach("Mailtrap", entries, (entry) => [readEvent(recordOf(entry))]);
}

function readEvent(entry: Readonly<Record<string, unknown>>): TrackingFields {
  const event = stringOf(entry["event"]);
  const meaning = ownProperty(EVENTS, event?.replaceAll("_", " "));
  const category = stringOf(entry["bounce_category"]);
  const isSpam = meaning?.[0] === "bounced" && category === "spam";
  return {
    ...meaningFields(isSpam ? CATEGORIES[category] : meaning),
    eventId: idOf(entry["event_id"]),
    messageId: idOf(entry["message_id"]),
    recipient: stringOf(entry["email"]),
    timestamp: dateOfSeconds(entry["timestamp"]),
    description: stringOf(entry["reason"]) || category || (meaning ? null : event),
    mtaResponse: stringOf(entry["response"]),
    tags: stringsOf(entry["category"]),
    metadata: recordOf(entry["custom_variables"]),
    clickUrl: stringOf(entry["url"]),
    userAgent: stringOf(entry["user_agent"]),
  };
}
