import {
  dateOf,
  type EventMeaning,
  idOf,
  isRecord,
  type JsonRecord,
  listOf,
  meaningFields,
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
} from "@posthorn/core/webhooks";
import { OUTCOMES, STATUSES } from "./meanings.js";
import { verifySignature } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface UnisenderGoTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** API key, by which posts are signed. Environment: `UNISENDER_GO_API_KEY`. */
  readonly apiKey?: Secrets | undefined;
}

/**
 * Takes Unisender Go's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: UnisenderGoTrackingOptions): WebhookHandler {
  return trackingHandler(
    {
      name: "Unisender Go",
      envPrefix: "UNISENDER_GO",
      options: { apiKey: "secrets" },
      verifiedBy: "apiKey",
      verify: ({ apiKey }) => (apiKey ? (post) => verifySignature(post, apiKey) : undefined),
      read: (post) =>
        readEach("Unisender Go", entriesOf(recordOf(post.json())), (entry) => readEvents(recordOf(entry))),
    },
    options,
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
  const status = stringOf(data["status"]);
  const delivery = recordOf(data["delivery_info"]);
  const outcome = stringOf(delivery["delivery_status"]);
  const meaning = meaningOf(status, outcome);
  const { anymail_id: id, ...metadata } = recordOf(data["metadata"]);
  return {
    ...meaningFields(meaning),
    // Sending puts an id of its own into the metadata of each mail of a batch.
    messageId: idOf(id) ?? idOf(data["job_id"]),
    recipient: stringOf(data["email"]),
    timestamp: dateOf(data["event_time"]),
    // Who unsubscribes may say why.
    description: outcome || (stringOf(data["comment"]) ?? (meaning ? null : status)),
    mtaResponse: stringOf(delivery["destination_response"]),
    tags: stringsOf(data["tags"]),
    metadata,
    clickUrl: stringOf(data["url"]),
    userAgent: stringOf(delivery["user_agent"]),
  };
}

function meaningOf(status: string | null, outcome: string | null): EventMeaning | undefined {
  const known = ownProperty(STATUSES, status);
  if (status !== "hard_bounced" && status !== "soft_bounced") return known;
  const told = ownProperty(OUTCOMES, outcome);
  if (!told) return [known?.[0] ?? "bounced", outcome?.startsWith("err") ? "other" : known?.[1]];
  if (status === "soft_bounced") return ["deferred", told[1]];
  // It ended all the same.
  return told[0] === "deferred" ? ["bounced", "other"] : told;
}
