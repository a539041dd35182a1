import {
  bareAddress,
  ConfigurationError,
  dateOf,
  idOf,
  isRecord,
  type JsonRecord,
  jsonOf,
  listOf,
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
export interface ResendTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** The webhook's signing secret, `whsec_…`. Environment: `RESEND_SIGNING_SECRET`. */
  readonly signingSecret?: Secrets | undefined;
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

const REASONS: Readonly<Record<string, RejectReason>> = {
  "email.bounced": "bounced",
  "email.complained": "spam",
  "email.suppressed": "blocked",
};

/**
 * Takes Resend's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: ResendTrackingOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("Resend", "RESEND", { signingSecret: "secrets" }, options);
  const { signingSecret } = resolved;
  return webhookHandler(
    {
      provider: "Resend",
      maxBodyBytes: 10_000_000,
      verifiedBy: "signingSecret",
      verify: signingSecret ? (post) => verifySignature(post, signingSecret, resolved) : undefined,
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
  const type = textOf(entry["type"]) ?? "";
  const data = recordOf(entry["data"]);
  const click = recordOf(data["click"]);
  const bounce = recordOf(data["bounce"]);
  const suppressed = recordOf(data["suppressed"]);
  const kind = [bounce["type"] ?? suppressed["type"], bounce["subType"]]
    .map(textOf)
    .filter(Boolean)
    .join(": ");
  const failed = textOf(recordOf(data["failed"])["reason"]);
  return {
    eventType: lookUp(TYPES, type) ?? "unknown",
    messageId: idOf(data["email_id"]),
    // The first alone: Resend does not say which of several an event is about.
    recipient: bareAddress(textOf(listOf(data["to"])[0])),
    timestamp: dateOf(entry["created_at"]),
    rejectReason: lookUp(REASONS, type) ?? null,
    description: kind || failed || textOf(suppressed["message"]) || null,
    mtaResponse: textOf(bounce["message"]),
    // Where sending put them.
    tags: textsOf(jsonOf(header(data, "x-tags"))),
    metadata: recordOf(jsonOf(header(data, "x-metadata"))),
    clickUrl: textOf(click["link"]),
    userAgent: textOf(click["userAgent"] ?? recordOf(data["open"])["userAgent"]),
  };
}

function header(data: JsonRecord, name: string): string | null {
  const found = listOf(data["headers"])
    .filter(isRecord)
    .find((entry) => textOf(entry["name"])?.toLowerCase() === name);
  return found ? textOf(found["value"]) : null;
}
