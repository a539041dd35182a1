import {
  dateOf,
  idOf,
  isRecord,
  type JsonRecord,
  listOf,
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
export interface UnisenderGoTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** API key, by which posts are signed. Environment: `UNISENDER_GO_API_KEY`. */
  readonly apiKey?: Secrets | undefined;
}

// https://godocs.unisender.ru/web-api-ref#callback-format
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  sent: "sent",
  delivered: "delivered",
  opened: "opened",
  clicked: "clicked",
  hard_bounced: "bounced",
  soft_bounced: "deferred",
  spam: "complained",
  unsubscribed: "unsubscribed",
  subscribed: "subscribed",
};

/** What a delivery ended with; `null` where it has not ended. https://godocs.unisender.ru/email-statuses */
const REASONS: Readonly<Record<string, RejectReason | null>> = {
  err_user_unknown: "bounced",
  err_user_inactive: "bounced",
  err_mailbox_discarded: "bounced",
  err_mailbox_full: "bounced",
  err_no_dns: "bounced",
  err_unreachable: "bounced",
  err_too_large: "bounced",
  err_domain_inactive: "bounced",
  err_destination_misconfigured: "bounced",
  err_spam_rejected: "spam",
  err_spam_folder: "spam",
  err_spam_skipped: "spam",
  err_blacklisted: "blocked",
  err_unsubscribed: "unsubscribed",
  err_will_retry: null,
  err_resend: "other",
  err_delivery_failed: "other",
  err_skip_letter: "bounced",
  err_lost: "other",
};

/**
 * Takes Unisender Go's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: UnisenderGoTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("Unisender Go", "UNISENDER_GO", { apiKey: "secrets" }, options);
  const { apiKey } = resolved;
  return webhookHandler(
    {
      provider: "Unisender Go",
      maxBodyBytes: 10_000_000,
      verifiedBy: "apiKey",
      verify: apiKey ? (post) => verifySignature(post, apiKey) : undefined,
      read: (post) =>
        readEach("Unisender Go", entriesOf(recordOf(post.json())), (entry) => readEvents(recordOf(entry))),
    },
    resolved,
  );
}

/** Events of all users in a post; one alone may be the post itself. */
function entriesOf(body: JsonRecord): readonly unknown[] {
  if (!Array.isArray(body["events_by_user"])) {
    const { auth: _, ...entry } = body;
    return [entry];
  }
  return body["events_by_user"].filter(isRecord).flatMap((user) => listOf(user["events"]));
}

function readEvents(entry: JsonRecord): readonly TrackingFields[] {
  const name = stringOf(entry["event_name"]);
  if (name === "transactional_email_status") return [readEvent(entry)];
  // The others are of servers and domains that are blocked, not of a mail.
  return name === null ? [{}] : [];
}

function readEvent(entry: JsonRecord): TrackingFields {
  const data = isRecord(entry["event_data"]) ? entry["event_data"] : entry;
  const status = stringOf(data["status"]) ?? "";
  const delivery = recordOf(data["delivery_info"]);
  const outcome = stringOf(delivery["delivery_status"]);
  const { anymail_id: id, ...metadata } = recordOf(data["metadata"]);
  return {
    eventType: ownProperty(TYPES, status) ?? "unknown",
    // Sending puts an id of its own into the metadata of each mail of a batch.
    messageId: idOf(id) ?? idOf(data["job_id"]),
    recipient: stringOf(data["email"]),
    timestamp: dateOf(data["event_time"]),
    rejectReason: outcome?.startsWith("err") ? reasonOf(outcome) : null,
    // Who unsubscribes may say why.
    description: outcome || stringOf(data["comment"]),
    mtaResponse: stringOf(delivery["destination_response"]),
    tags: stringsOf(data["tags"]),
    metadata,
    clickUrl: stringOf(data["url"]),
    userAgent: stringOf(delivery["user_agent"]),
  };
}

function reasonOf(outcome: string): RejectReason | null {
  const reason = ownProperty(REASONS, outcome);
  return reason === undefined ? "other" : reason;
}
