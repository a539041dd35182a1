import {
  ConfigurationError,
  dateOf,
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
  type WebhookHandler,
  type WebhookOptions,
  webhookHandler,
} from "@posthorn/core/webhooks";

/** Options of {@link trackingWebhook}. */
export interface PostmarkTrackingOptions extends WebhookOptions<TrackingEvent> {}

type Meaning = readonly [TrackingEventType, RejectReason | null];

// https://postmarkapp.com/developer/webhooks/webhooks-overview
const RECORDS: Readonly<Record<string, Meaning>> = {
  Delivery: ["delivered", null],
  Open: ["opened", null],
  Click: ["clicked", null],
  SpamComplaint: ["complained", "spam"],
};

/** Types of bounces, and reasons of suppressions. https://postmarkapp.com/developer/api/bounce-api#bounce-types */
const BOUNCES: Readonly<Record<string, Meaning>> = {
  HardBounce: ["bounced", "bounced"],
  SoftBounce: ["bounced", "bounced"],
  Transient: ["deferred", null],
  DnsError: ["deferred", null],
  Unsubscribe: ["unsubscribed", "unsubscribed"],
  ManualSuppression: ["unsubscribed", "unsubscribed"],
  Subscribe: ["subscribed", null],
  AutoResponder: ["autoresponded", null],
  AddressChange: ["autoresponded", null],
  ChallengeVerification: ["autoresponded", null],
  SpamNotification: ["complained", "spam"],
  SpamComplaint: ["complained", "spam"],
  VirusNotification: ["bounced", "other"],
  OpenRelayTest: ["deferred", null],
  BadEmailAddress: ["rejected", "invalid"],
  ManuallyDeactivated: ["rejected", "blocked"],
  Unconfirmed: ["rejected", null],
  Blocked: ["rejected", "blocked"],
  DMARCPolicy: ["rejected", "blocked"],
  SMTPApiError: ["failed", null],
  Unknown: ["unknown", null],
  TemplateRenderingFailed: ["failed", null],
};

/**
 * Takes Postmark's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: PostmarkTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("Postmark", "POSTMARK", {}, options);
  return webhookHandler(
    {
      provider: "Postmark",
      maxBodyBytes: 10_000_000,
      read: (post) => {
        const body = post.json();
        if (recordOf(body)["RecordType"] === "Inbound" || "FromFull" in recordOf(body)) {
          throw new ConfigurationError("Postmark: this is received mail; point it at the inbound webhook", {
            provider: "Postmark",
          });
        }
        return readEach("Postmark", [body], (entry) => [readEvent(recordOf(entry))]);
      },
    },
    resolved,
  );
}

function readEvent(entry: JsonRecord): TrackingFields {
  const [eventType, rejectReason] = meaningOf(entry);
  return {
    eventType,
    eventId: stringOf(entry["ID"]),
    messageId: idOf(entry["MessageID"]),
    recipient: stringOf(entry["Recipient"] ?? entry["Email"]),
    timestamp: dateOf(
      entry["ReceivedAt"] ?? entry["DeliveredAt"] ?? entry["BouncedAt"] ?? entry["ChangedAt"],
    ),
    rejectReason,
    description: stringOf(entry["Description"]),
    mtaResponse: stringOf(entry["Details"]),
    tags: stringsOf(entry["Tag"]),
    metadata: recordOf(entry["Metadata"]),
    clickUrl: stringOf(entry["OriginalLink"]),
    userAgent: stringOf(entry["UserAgent"]),
  };
}

function meaningOf(entry: JsonRecord): Meaning {
  const record = stringOf(entry["RecordType"]) ?? "";
  if (record === "SubscriptionChange") {
    if (!entry["SuppressSending"]) return ["subscribed", null];
    return ownProperty(BOUNCES, stringOf(entry["SuppressionReason"])) ?? ["unsubscribed", null];
  }
  if (record === "Bounce") return ownProperty(BOUNCES, stringOf(entry["Type"])) ?? ["bounced", null];
  return ownProperty(RECORDS, record) ?? ["unknown", null];
}
