import {
  dateOf,
  idOf,
  lookUp,
  type RejectReason,
  readEach,
  recordOf,
  resolveWebhookOptions,
  type Secrets,
  type TrackingEvent,
  type TrackingEventType,
  type TrackingFields,
  textOf,
  textsOf,
  type WebhookHandler,
  type WebhookOptions,
  webhookHandler,
} from "@posthorn/core/webhook";
import { verifySignature } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface MailerSendTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** The webhook's signing secret. Environment: `MAILERSEND_SIGNING_SECRET`. */
  readonly signingSecret?: Secrets | undefined;
}

// https://developers.mailersend.com/api/v1/webhooks.html#available-events
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  sent: "sent",
  delivered: "delivered",
  soft_bounced: "bounced",
  hard_bounced: "bounced",
  deferred: "deferred",
  opened: "opened",
  opened_unique: "opened",
  clicked: "clicked",
  clicked_unique: "clicked",
  unsubscribed: "unsubscribed",
  spam_complaint: "complained",
};

const REASONS: Readonly<Record<string, RejectReason>> = {
  soft_bounced: "bounced",
  hard_bounced: "bounced",
  unsubscribed: "unsubscribed",
  spam_complaint: "spam",
};

/**
 * Takes MailerSend's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MailerSendTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("MailerSend", "MAILERSEND", { signingSecret: "secrets" }, options);
  const { signingSecret } = resolved;
  return webhookHandler(
    {
      provider: "MailerSend",
      maxBodyBytes: 10_000_000,
      verifiedBy: "signingSecret",
      verify: signingSecret ? (post) => verifySignature(post, signingSecret) : undefined,
      read: (post) =>
        readEach("MailerSend", [post.json()], (body) => [readEvent(recordOf(recordOf(body)["data"]))]),
    },
    resolved,
  );
}

function readEvent(data: Readonly<Record<string, unknown>>): TrackingFields {
  const type = textOf(data["type"]) ?? "";
  const email = recordOf(data["email"]);
  const detail = recordOf(data["morph"]);
  return {
    eventType: lookUp(TYPES, type) ?? "unknown",
    eventId: idOf(data["id"]),
    messageId: idOf(recordOf(email["message"])["id"]),
    recipient: textOf(recordOf(email["recipient"])["email"]),
    timestamp: dateOf(data["created_at"]),
    rejectReason: lookUp(REASONS, type) ?? null,
    description: textOf(detail["readable_reason"]) ?? textOf(detail["reason"]),
    tags: textsOf(email["tags"]),
    clickUrl: textOf(detail["url"]),
    userAgent: textOf(detail["user_agent"]),
  };
}
