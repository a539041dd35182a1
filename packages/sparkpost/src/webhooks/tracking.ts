import {
  ConfigurationError,
  dateOf,
  dateOfSeconds,
  idOf,
  type JsonRecord,
  ownProperty,
  type RejectReason,
  readEach,
  recordOf,
  resolveWebhookOptions,
  stringOf,
  stringsOf,
  type TrackingEvent,
  type TrackingEventType,
  type TrackingFields,
  trackingEvent,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
  webhookHandler,
} from "@posthorn/core/webhooks";
import { entriesOf, type SparkPostEntry } from "./entries.js";

/** Options of {@link trackingWebhook}. */
export interface SparkPostTrackingOptions extends WebhookOptions<TrackingEvent> {
  /**
   * Whether `initial_open` is an open too. SparkPost tells of a first open twice: by the pixel at the top, and as `open`
   * by that at the bottom, which long mails are cut before. Default `false`.
   */
  readonly trackInitialOpenAsOpened?: boolean | undefined;
}

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
  amp_open: "opened",
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
  "70": "bounced",
  "80": "other",
  "90": "unsubscribed",
  "100": "other",
};

/** Bounce classes of mail that is none of a server's refusals. */
const BOUNCE_TYPES: Readonly<Record<string, TrackingEventType>> = {
  "60": "autoresponded",
  "80": "subscribed",
  "90": "unsubscribed",
  "100": "autoresponded",
};

/**
 * Takes SparkPost's event webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: SparkPostTrackingOptions): WebhookHandler {
  const forms = { trackInitialOpenAsOpened: (value: unknown) => typeof value === "boolean" };
  const resolved = resolveWebhookOptions("SparkPost", "SPARKPOST", forms, options);
  const types = resolved.trackInitialOpenAsOpened
    ? { ...TYPES, initial_open: "opened" as const, amp_initial_open: "opened" as const }
    : TYPES;
  return webhookHandler(
    { provider: "SparkPost", maxBodyBytes: 10_000_000, read: (post) => read(post, types) },
    resolved,
  );
}

type Types = typeof TYPES;

function read(post: WebhookPost, types: Types): readonly TrackingEvent[] {
  const entries = entriesOf(post);
  if (entries.some(({ kind }) => kind === "relay_message")) {
    throw new ConfigurationError(
      "SparkPost: this is received mail; point the relay webhook at the inbound webhook",
      {
        provider: "SparkPost",
      },
    );
  }
  return entries.flatMap((entry) => readEntry(entry, types));
}

function readEntry({ kind, event, raw }: SparkPostEntry, types: Types): readonly TrackingEvent[] {
  if (kind === "")
    return [trackingEvent("SparkPost", raw, { description: "cannot be read: it has no msys" })];
  return readEach("SparkPost", [raw], () => [readEvent(event, types)]);
}

function readEvent(event: JsonRecord, types: Types): TrackingFields {
  const type = stringOf(event["type"]) ?? "";
  const bounceClass = stringOf(event["bounce_class"]);
  const tags = stringsOf(event["campaign_id"]);
  return {
    eventType: ownProperty(BOUNCE_TYPES, bounceClass) ?? ownProperty(types, type) ?? "unknown",
    eventId: idOf(event["event_id"]),
    messageId: idOf(event["transmission_id"]),
    // As it was given; `rcpt_to` is in lower case.
    recipient: stringOf(event["raw_rcpt_to"] ?? event["rcpt_to"]),
    timestamp: dateOfSeconds(event["timestamp"]) ?? dateOf(event["timestamp"]),
    rejectReason: bounceClass === null ? null : (ownProperty(BOUNCE_CLASSES, bounceClass) ?? "other"),
    mtaResponse: stringOf(event["raw_reason"] ?? event["reason"]),
    // Sending puts the tag there. Tags of recipients are those of stored lists.
    tags: tags.length > 0 ? tags : stringsOf(event["rcpt_tags"]),
    metadata: recordOf(event["rcpt_meta"]),
    clickUrl: stringOf(event["target_link_url"]),
    userAgent: stringOf(event["user_agent"]),
  };
}
