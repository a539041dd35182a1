import {
  dateOfSeconds,
  idOf,
  isRecord,
  jsonOf,
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
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
  WebhookRequestError,
  webhookHandler,
} from "@posthorn/core/webhooks";

/** Options of {@link trackingWebhook}. */
export interface MailjetTrackingOptions extends WebhookOptions<TrackingEvent> {}

// https://dev.mailjet.com/email/guides/webhooks/
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  // Mailjet's word for what the receiving server took.
  sent: "delivered",
  open: "opened",
  click: "clicked",
  bounce: "bounced",
  blocked: "rejected",
  spam: "complained",
  unsub: "unsubscribed",
};

const REASONS: Readonly<Record<string, RejectReason>> = {
  "user unknown": "bounced",
  "mailbox inactive": "bounced",
  "quota exceeded": "bounced",
  "invalid domain": "bounced",
  "no mail host": "bounced",
  typofix: "invalid",
  blacklisted: "blocked",
  preblocked: "blocked",
  "sender blocked": "blocked",
  "content blocked": "blocked",
  "policy issue": "blocked",
  "relay/access denied": "bounced",
  "spam reporter": "spam",
  greylisted: "other",
  "bad or empty template": "other",
  "error in template language": "other",
  "system issue": "other",
  "protocol issue": "other",
  "connection issue": "other",
  "duplicate in campaign": "other",
};

/**
 * Takes Mailjet's event webhooks, one event or a group in a post.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MailjetTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("Mailjet", "MAILJET", {}, options);
  return webhookHandler({ provider: "Mailjet", maxBodyBytes: 10_000_000, read }, resolved);
}

function read(post: WebhookPost): readonly TrackingEvent[] {
  // Ids go beyond the integers of JavaScript, so they are made texts before parsing.
  const body = jsonOf(post.text().replace(/("MessageID"\s*:\s*)(\d+)/g, '$1"$2"'));
  if (!Array.isArray(body) && !isRecord(body)) {
    throw new WebhookRequestError("Mailjet: the body is not JSON of events", { status: 400 });
  }
  return readEach("Mailjet", Array.isArray(body) ? body : [body], (entry) => [readEvent(recordOf(entry))]);
}

function readEvent(entry: Readonly<Record<string, unknown>>): TrackingFields {
  const error = stringOf(entry["error"]);
  const payload = jsonOf(entry["Payload"]);
  return {
    // Mailjet says so of a bounce, and tries again.
    eventType:
      error === "greylisted" && entry["hard_bounce"] !== true
        ? "deferred"
        : (ownProperty(TYPES, stringOf(entry["event"])) ?? "unknown"),
    messageId: idOf(entry["MessageID"]),
    recipient: stringOf(entry["email"]),
    timestamp: dateOfSeconds(entry["time"]),
    rejectReason: error !== null ? (ownProperty(REASONS, error) ?? "other") : null,
    description: stringOf(entry["comment"]) || null,
    mtaResponse: stringOf(entry["smtp_reply"]) || null,
    tags: stringsOf(entry["customcampaign"]),
    metadata: recordOf(payload),
    clickUrl: stringOf(entry["url"]),
    userAgent: stringOf(entry["agent"]),
  };
}
