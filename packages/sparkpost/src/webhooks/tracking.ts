import {
  ConfigurationError,
  dateOf,
  dateOfSeconds,
  idOf,
  type JsonRecord,
  lookUp,
  type RejectReason,
  readEach,
  recordOf,
  resolveWebhookOptions,
  type TrackingEvent,
  type TrackingEventType,
  type TrackingFields,
  textOf,
  textsOf,
  trackingEvent,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
  webhookHandler,
} from "@posthorn/core/webhook";
import { entriesOf, type SparkPostEntry } from "./entries.js";

/** Options of {@link trackingWebhook}. */
export interface SparkPostTrackingOptions extends WebhookOptions<TrackingEvent> {}

// https://developers.sparkpost.com/api/webhooks/#header-webhook-event-types
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  injection: "queued",
  delivery: "delivered",
  bounce: "bounced",
  out_of_band: "bounced",
  delay: "deferred",
  policy_rejection: "rejected",
  generation_rejection: "rejected",
  generation_failure: "failed",
  spam_complaint: "complained",
  open: "opened",
  initial_open: "opened",
  amp_open: "opened",
  amp_initial_open: "opened",
  click: "clicked",
  amp_click: "clicked",
  list_unsubscribe: "unsubscribed",
  link_unsubscribe: "unsubscribed",
};

/** https://support.sparkpost.com/docs/deliverability/bounce-classification-codes */
const BOUNCE_CLASSES: Readonly<Record<string, RejectReason>> = {
  "1": "other",
  "10": "invalid",
  "20": "bounced",
  "21": "bounced",
  "22": "bounced",
  "23": "bounced",
  "24": "timed_out",
  "25": "blocked",
  "30": "bounced",
  "40": "bounced",
  "50": "blocked",
  "51": "spam",
  "52": "spam",
  "53": "other",
  "54": "blocked",
  "60": "other",
  "70": "other",
  "80": "other",
  "90": "unsubscribed",
  "100": "other",
};

/**
 * Takes SparkPost's event webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: SparkPostTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("SparkPost", "SPARKPOST", {}, options);
  return webhookHandler({ provider: "SparkPost", maxBodyBytes: 10_000_000, read }, resolved);
}

function read(post: WebhookPost): readonly TrackingEvent[] {
  const entries = entriesOf(post);
  if (entries.some(({ kind }) => kind === "relay_message")) {
    throw new ConfigurationError(
      "SparkPost: this is received mail; point the relay webhook at the inbound webhook",
      {
        provider: "SparkPost",
      },
    );
  }
  return entries.flatMap((entry) => readEntry(entry));
}

function readEntry({ kind, event, raw }: SparkPostEntry): readonly TrackingEvent[] {
  if (kind === "")
    return [trackingEvent("SparkPost", raw, { description: "cannot be read: it has no msys" })];
  return readEach("SparkPost", [raw], () => [readEvent(event)]);
}

function readEvent(event: JsonRecord): TrackingFields {
  const type = textOf(event["type"]) ?? "";
  const bounceClass = textOf(event["bounce_class"]);
  const tags = textsOf(event["rcpt_tags"]);
  return {
    eventType: lookUp(TYPES, type) ?? "unknown",
    eventId: idOf(event["event_id"]),
    messageId: idOf(event["transmission_id"]),
    // As it was given; `rcpt_to` is in lower case.
    recipient: textOf(event["raw_rcpt_to"] ?? event["rcpt_to"]),
    timestamp: dateOfSeconds(event["timestamp"]) ?? dateOf(event["timestamp"]),
    rejectReason:
      bounceClass !== null
        ? (lookUp(BOUNCE_CLASSES, bounceClass) ?? "other")
        : type === "spam_complaint"
          ? "spam"
          : null,
    mtaResponse: textOf(event["raw_reason"] ?? event["reason"]),
    tags: tags.length > 0 ? tags : textsOf(event["campaign_id"]),
    metadata: recordOf(event["rcpt_meta"]),
    clickUrl: textOf(event["target_link_url"]),
    userAgent: textOf(event["user_agent"]),
  };
}
