import {
  dateOfSeconds,
  type EventMeaning,
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
  WebhookRequestError,
} from "@posthorn/core/webhooks";
import { BOUNCES, CLASSIFICATIONS, DROPS, EVENTS } from "./meanings.js";
import { SENDGRID } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface SendGridTrackingOptions extends WebhookOptions<TrackingEvent> {
  /**
   * The verification key of the signed event webhook. Environment: `SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY`.
   */
  readonly signingKey?: Secrets | undefined;
}

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
  return trackingHandler({ ...SENDGRID, options: FORMS, read }, options);
}

const FORMS = { signingKey: { secrets: "TRACKING_WEBHOOK_VERIFICATION_KEY" } } as const;

function read(post: WebhookPost): readonly TrackingEvent[] {
  if (post.isForm) throw misdirected("SendGrid", "message");
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
  const event = stringOf(entry["event"]);
  const meaning = meaningOf(event, entry);
  const reason = stringOf(entry["reason"]);
  const isDropped = event === "dropped";
  const metadata = Object.fromEntries(Object.entries(entry).filter(([name]) => !OWN.has(name)));
  return {
    ...meaningFields(meaning),
    eventId: idOf(entry["sg_event_id"]),
    // Sending puts its own id among the custom arguments.
    messageId: idOf(entry["anymail_id"]) ?? idOf(entry["smtp-id"]),
    recipient: stringOf(entry["email"]),
    timestamp: dateOfSeconds(entry["timestamp"]),
    description: meaning ? null : event,
    mtaResponse: isDropped ? null : (stringOf(entry["response"]) ?? reason),
    tags: stringsOf(entry["category"]),
    metadata: { ...recordOf(entry["unique_args"]), ...metadata },
    clickUrl: stringOf(entry["url"]),
    userAgent: stringOf(entry["useragent"]),
  };
}

function meaningOf(event: string | null, entry: JsonRecord): EventMeaning | undefined {
  const known = ownProperty(EVENTS, event);
  const type = stringOf(entry["type"])?.toLowerCase();
  if (event === "dropped") {
    const why = type ?? stringOf(entry["reason"])?.toLowerCase();
    return ["rejected", ownProperty(DROPS, why) ?? "other"];
  }
  if (event !== "bounce") return known;
  const [, reason = null, permanent] = ownProperty(BOUNCES, type) ?? known ?? [];
  // "blocked" and "expired" say more than the classification.
  const isPlain = type === undefined || type === "bounce";
  const classified = ownProperty(CLASSIFICATIONS, stringOf(entry["bounce_classification"])?.toLowerCase());
  return ["bounced", (isPlain ? classified : undefined) ?? reason, permanent];
}
