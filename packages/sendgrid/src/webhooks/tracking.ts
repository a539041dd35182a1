import {
  dateOfSeconds,
  idOf,
  isRecord,
  type JsonRecord,
  ownProperty,
  type RejectReason,
  readEach,
  recordOf,
  resolveWebhookOptions,
  type Secrets,
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
import { verifySignature } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface SendGridTrackingOptions extends WebhookOptions<TrackingEvent> {
  /**
   * The verification key of the signed event webhook. Environment: `SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY`.
   */
  readonly signingKey?: Secrets | undefined;
}

// https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  processed: "queued",
  deferred: "deferred",
  delivered: "delivered",
  bounce: "bounced",
  dropped: "rejected",
  open: "opened",
  click: "clicked",
  spamreport: "complained",
  unsubscribe: "unsubscribed",
  group_unsubscribe: "unsubscribed",
  group_resubscribe: "subscribed",
};

/** Reasons of `dropped`. */
const REASONS: Readonly<Record<string, RejectReason>> = {
  invalid: "invalid",
  "unsubscribed address": "unsubscribed",
  bounce: "bounced",
  "bounced address": "bounced",
  "spam reporting address": "spam",
  "spam content": "spam",
  "spam content (if spam checker app enabled)": "spam",
  "recipient list over package quota": "blocked",
  blocked: "blocked",
  expired: "timed_out",
};

/** SendGrid's own members; what else there is, is metadata. */
const OWN = new Set(
  `email timestamp smtp-id sg_event_id sg_message_id event category ip reason response status type tls useragent url
  url_offset attempt asm_group_id newsletter pool cert_err send_at unique_args marketing_campaign_id
  marketing_campaign_name bounce_classification sg_content_type sg_template_id sg_template_name sg_machine_open sg_user_id
  post_type template_id template_version_id template_hash anymail_id domain from mc_stats phase_id singlesend_id
  singlesend_name subject`.split(/\s+/),
);

/**
 * Takes SendGrid's event webhook.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: SendGridTrackingOptions): WebhookHandler {
  const forms = { signingKey: { secrets: "TRACKING_WEBHOOK_VERIFICATION_KEY" } } as const;
  const resolved = resolveWebhookOptions("SendGrid", "SENDGRID", forms, options);
  const { signingKey: key } = resolved;
  return webhookHandler(
    {
      provider: "SendGrid",
      maxBodyBytes: 10_000_000,
      verifiedBy: "signingKey",
      verify: key ? (post) => verifySignature(post, key, resolved) : undefined,
      read,
    },
    resolved,
  );
}

function read(post: WebhookPost): readonly TrackingEvent[] {
  const body = post.json();
  if (!Array.isArray(body)) {
    throw new WebhookRequestError("SendGrid: the body is not a list of events", { status: 400 });
  }
  return readEach("SendGrid", body, (entry) => {
    if (!isRecord(entry)) throw new Error("it is no object");
    return [readEvent(entry)];
  });
}

function readEvent(entry: JsonRecord): TrackingFields {
  const eventType = ownProperty(TYPES, stringOf(entry["event"])) ?? "unknown";
  const reason = stringOf(entry["reason"]);
  const isRejected = eventType === "rejected";
  const why = stringOf(entry["type"]) ?? reason ?? "";
  const metadata = Object.fromEntries(Object.entries(entry).filter(([name]) => !OWN.has(name)));
  return {
    eventType,
    eventId: idOf(entry["sg_event_id"]),
    // Sending puts its own id among the custom arguments.
    messageId: idOf(entry["anymail_id"]) ?? idOf(entry["smtp-id"]),
    recipient: stringOf(entry["email"]),
    timestamp: dateOfSeconds(entry["timestamp"]),
    rejectReason: isRejected ? (ownProperty(REASONS, why.toLowerCase()) ?? "other") : null,
    mtaResponse: isRejected ? null : (stringOf(entry["response"]) ?? reason),
    tags: stringsOf(entry["category"]),
    metadata: { ...recordOf(entry["unique_args"]), ...metadata },
    clickUrl: stringOf(entry["url"]),
    userAgent: stringOf(entry["useragent"]),
  };
}
