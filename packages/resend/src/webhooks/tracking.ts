import {
  bareAddress,
  ConfigurationError,
  dateOf,
  idOf,
  isRecord,
  type JsonRecord,
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
  webhookHandler,
} from "@posthorn/core/webhooks";
import { verifySignature } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface ResendTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** The webhook's signing secret, `whsec_…`. Environment: `RESEND_SIGNING_SECRET`. */
  readonly signingKey?: Secrets | undefined;
}

// https://resend.com/docs/webhooks/event-types
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  "email.scheduled": "queued",
  "email.sent": "sent",
  "email.delivered": "delivered",
  "email.delivery_delayed": "deferred",
  "email.bounced": "bounced",
  "email.failed": "failed",
  "email.suppressed": "rejected",
  "email.complained": "complained",
  "email.opened": "opened",
  "email.clicked": "clicked",
};

/** Resend says why in words alone; those that its documentation and its posts have. */
function reasonOf(type: string, words: string | null): RejectReason | null {
  if (type === "email.suppressed") return "blocked";
  if (words === null) return null;
  if (words.includes("suppressed sending")) return "blocked";
  return words.includes("bounce message") ? "bounced" : "other";
}

/**
 * Takes Resend's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: ResendTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions(
    "Resend",
    "RESEND",
    { signingKey: { secrets: "SIGNING_SECRET" } },
    options,
  );
  const { signingKey } = resolved;
  return webhookHandler(
    {
      provider: "Resend",
      maxBodyBytes: 10_000_000,
      verifiedBy: "signingKey",
      verify: signingKey ? (post) => verifySignature(post, signingKey, resolved) : undefined,
      read: (post) => {
        const body = recordOf(post.json());
        if (body["type"] === "email.received") {
          throw new ConfigurationError(
            "Resend: this is received mail; point email.received at the inbound webhook",
            {
              provider: "Resend",
            },
          );
        }
        const eventId = post.headers.get("svix-id");
        return readEach("Resend", [body], (entry) => [{ ...readEvent(recordOf(entry)), eventId }]);
      },
    },
    resolved,
  );
}

function readEvent(entry: JsonRecord): TrackingFields {
  const type = stringOf(entry["type"]) ?? "";
  const data = recordOf(entry["data"]);
  const click = recordOf(data["click"]);
  const bounce = recordOf(data["bounce"]);
  const words = [
    bounce["message"],
    recordOf(data["failed"])["reason"],
    recordOf(data["suppressed"])["message"],
  ];
  return {
    eventType: ownProperty(TYPES, type) ?? "unknown",
    messageId: idOf(data["email_id"]),
    // The first alone: Resend does not say which of several an event is about.
    recipient: bareAddress(stringOf(listOf(data["to"])[0])),
    timestamp: dateOf(entry["created_at"]),
    rejectReason: reasonOf(type, stringOf(bounce["message"])),
    description: words.map(stringOf).find(Boolean) ?? null,
    // Where sending put them.
    tags: stringsOf(jsonOf(header(data, "x-tags"))),
    metadata: recordOf(jsonOf(header(data, "x-metadata"))),
    clickUrl: stringOf(click["link"]),
    userAgent: stringOf(click["userAgent"] ?? recordOf(data["open"])["userAgent"]),
  };
}

function header(data: JsonRecord, name: string): string | null {
  const found = listOf(data["headers"])
    .filter(isRecord)
    .find((entry) => stringOf(entry["name"])?.toLowerCase() === name);
  return found ? stringOf(found["value"]) : null;
}
