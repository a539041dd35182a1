import {
  ConfigurationError,
  dateOf,
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
  webhookHandler,
} from "@posthorn/core/webhooks";
import { verifySignature } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface MailerSendTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** The webhook's signing secret. Environment: `MAILERSEND_SIGNING_SECRET`. */
  readonly signingKey?: Secrets | undefined;
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
  spam_complaints: "complained",
  suppressed: "rejected",
};

const REASONS: Readonly<Record<string, RejectReason>> = {
  soft_bounced: "bounced",
  hard_bounced: "bounced",
  unsubscribed: "unsubscribed",
  spam_complaint: "spam",
  spam_complaints: "spam",
  suppressed: "blocked",
};

/**
 * Takes MailerSend's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MailerSendTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions(
    "MailerSend",
    "MAILERSEND",
    { signingKey: { secrets: "SIGNING_SECRET" } },
    options,
  );
  const { signingKey } = resolved;
  return webhookHandler(
    {
      provider: "MailerSend",
      maxBodyBytes: 10_000_000,
      verifiedBy: "signingKey",
      verify: signingKey ? (post) => verifySignature(post, signingKey) : undefined,
      read: (post) => {
        const body = post.json();
        refuseMail(body);
        return readEach("MailerSend", [body], (entry) => readPost(recordOf(entry)));
      },
    },
    resolved,
  );
}

function refuseMail(body: unknown): void {
  if (recordOf(body)["type"] !== "inbound.message") return;
  throw new ConfigurationError("MailerSend: this is received mail; point the route at the inbound webhook", {
    provider: "MailerSend",
  });
}

/** The event of a post; none where MailerSend's test of the URL is all. */
function readPost(body: JsonRecord): readonly TrackingFields[] {
  if (body["type"] === "webhook.test") return [];
  const data = recordOf(body["data"]);
  return [isRecord(data["email"]) ? readVersion1(data) : readVersion2(data, body)];
}

/** Payload version 2. https://developers.mailersend.com/api/v1/webhooks.html */
function readVersion2(data: JsonRecord, body: JsonRecord): TrackingFields {
  const type = stringOf(data["type"]) ?? "";
  const detail = recordOf(data["meta"]);
  const why = ["bounce_reason", "reject_reason", "suppression_reason", "unsubscribe_reason"];
  return {
    eventType: ownProperty(TYPES, type) ?? "unknown",
    eventId: idOf(data["id"]),
    messageId: idOf(data["message_id"]),
    recipient: stringOf(data["recipient"]),
    timestamp: dateOf(body["created_at"]),
    rejectReason: ownProperty(REASONS, type) ?? null,
    description: why.map((name) => stringOf(detail[name])).find(Boolean) ?? null,
    mtaResponse: stringOf(detail["bounce_code"]),
    tags: stringsOf(data["tags"]),
    clickUrl: stringOf(detail["url"]),
    userAgent: stringOf(detail["user_agent"]),
  };
}

/** The payload of before, which webhooks keep until they are changed over. */
function readVersion1(data: JsonRecord): TrackingFields {
  const type = stringOf(data["type"]) ?? "";
  const email = recordOf(data["email"]);
  const detail = recordOf(data["morph"]);
  return {
    eventType: ownProperty(TYPES, type) ?? "unknown",
    eventId: idOf(data["id"]),
    messageId: idOf(recordOf(email["message"])["id"]),
    recipient: stringOf(recordOf(email["recipient"])["email"]),
    timestamp: dateOf(data["created_at"]),
    rejectReason: ownProperty(REASONS, type) ?? null,
    description: stringOf(detail["readable_reason"]) ?? stringOf(detail["reason"]),
    tags: stringsOf(email["tags"]),
    clickUrl: stringOf(detail["url"]),
    userAgent: stringOf(detail["user_agent"]),
  };
}
