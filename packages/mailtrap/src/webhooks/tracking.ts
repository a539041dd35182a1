import {
  dateOfSeconds,
  idOf,
  isRecord,
  jsonOf,
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
  type WebhookPost,
  WebhookRequestError,
  webhookHandler,
} from "@posthorn/core/webhooks";
import { verifySignature } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface MailtrapTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** The signing secret of the webhook. Environment: `MAILTRAP_SIGNING_SECRET`. */
  readonly signingKey?: Secrets | undefined;
}

// https://docs.mailtrap.io/email-api-smtp/advanced/webhooks
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  delivery: "delivered",
  open: "opened",
  click: "clicked",
  bounce: "bounced",
  "soft bounce": "deferred",
  suspension: "deferred",
  reject: "rejected",
  spam: "complained",
  "spam complaint": "complained",
  unsubscribe: "unsubscribed",
};

const REASONS: Readonly<Record<string, RejectReason>> = {
  bounce: "bounced",
  "soft bounce": "other",
  suspension: "other",
  reject: "blocked",
  spam: "spam",
  "spam complaint": "spam",
  unsubscribe: "unsubscribed",
};

/**
 * Takes Mailtrap's webhooks, up to 500 events in a post.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: MailtrapTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions(
    "Mailtrap",
    "MAILTRAP",
    { signingKey: { secrets: "SIGNING_SECRET" } },
    options,
  );
  const { signingKey } = resolved;
  return webhookHandler(
    {
      provider: "Mailtrap",
      maxBodyBytes: 10_000_000,
      verifiedBy: "signingKey",
      verify: signingKey ? (post) => verifySignature(post, signingKey) : undefined,
      read: (post) => readEach("Mailtrap", entriesOf(post), (entry) => [readEvent(recordOf(entry))]),
    },
    resolved,
  );
}

/** Events of a post in either payload format, a JSON object with a list or a line of JSON for each. */
function entriesOf(post: WebhookPost): readonly unknown[] {
  const body = jsonOf(post.text());
  // One line alone is an event too.
  if (isRecord(body)) return "event" in body ? [body] : listOf(body["events"]);
  const lines = post
    .text()
    .split("\n")
    .filter((line) => line.trim() !== "");
  const entries = lines.map((line) => jsonOf(line) ?? line);
  if (entries.some(isRecord)) return entries;
  throw new WebhookRequestError("Mailtrap: the body is not JSON of events", { status: 400 });
}

function readEvent(entry: Readonly<Record<string, unknown>>): TrackingFields {
  const event = (stringOf(entry["event"]) ?? "").replaceAll("_", " ");
  return {
    eventType: ownProperty(TYPES, event) ?? "unknown",
    eventId: idOf(entry["event_id"]),
    messageId: idOf(entry["message_id"]),
    recipient: stringOf(entry["email"]),
    timestamp: dateOfSeconds(entry["timestamp"]),
    rejectReason: ownProperty(REASONS, event) ?? null,
    mtaResponse: stringOf(entry["response"]),
    tags: stringsOf(entry["category"]),
    metadata: recordOf(entry["custom_variables"]),
    clickUrl: stringOf(entry["url"]),
    userAgent: stringOf(entry["user_agent"]),
  };
}
