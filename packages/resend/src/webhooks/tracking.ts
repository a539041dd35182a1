import {
  bareAddress,
  dateOf,
  type EventMeaning,
  idOf,
  isRecord,
  type JsonRecord,
  jsonOf,
  listOf,
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
} from "@posthorn/core/webhooks";
import { BOUNCES, EVENTS, SUPPRESSIONS } from "./meanings.js";
import { RESEND } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface ResendTrackingOptions extends WebhookOptions<TrackingEvent> {
  /** The webhook's signing secret, `whsec_…`. Environment: `RESEND_SIGNING_SECRET`. */
  readonly signingKey?: Secrets | undefined;
}

/**
 * Takes Resend's webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: ResendTrackingOptions): WebhookHandler {
  return trackingHandler({ ...RESEND, options: FORMS, read }, options);
}

const FORMS = { signingKey: { secrets: "SIGNING_SECRET" } } as const;

function read(post: WebhookPost): readonly TrackingEvent[] {
  const body = recordOf(post.json());
  if (body["type"] === "email.received") throw misdirected("Resend", "message", "email.received");
  const eventId = post.headers.get("svix-id");
  return readEach("Resend", [body], (entry) => [{ ...readEvent(recordOf(entry)), eventId }]);
}

function readEvent(entry: JsonRecord): TrackingFields {
  const type = stringOf(entry["type"]);
  const data = recordOf(entry["data"]);
  const click = recordOf(data["click"]);
  const bounce = recordOf(data["bounce"]);
  const meaning = meaningOf(type, data);
  const metadata = header(data, "x-metadata");
  const words = [
    bounce["message"],
    recordOf(data["failed"])["reason"],
    recordOf(data["suppressed"])["message"],
    meaning ? null : type,
  ];
  return {
    ...meaningFields(meaning),
    messageId: idOf(data["email_id"]),
    // The first alone: Resend does not say which of several an event is about.
    recipient: bareAddress(stringOf(listOf(data["to"])[0] ?? data["email"])),
    timestamp: dateOf(entry["created_at"]),
    description: words.map(stringOf).find(Boolean) ?? null,
    mtaResponse: stringsOf(bounce["diagnosticCode"]).join("\n") || null,
    // Where sending put them.
    tags: stringsOf(jsonOf(header(data, "x-tags"))),
    metadata: metadata === null ? nativeTags(data["tags"]) : recordOf(jsonOf(metadata)),
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

function meaningOf(type: string | null, data: JsonRecord): EventMeaning | undefined {
  const known = ownProperty(EVENTS, type);
  if (type === "email.suppressed") {
    return ownProperty(SUPPRESSIONS, stringOf(recordOf(data["suppressed"])["reason"])) ?? known;
  }
  if (type !== "email.bounced") return known;
  const bounce = recordOf(data["bounce"]);
  const kind = stringOf(bounce["type"]);
  const subType = stringOf(bounce["subType"]);
  return ownProperty(BOUNCES, `${kind}/${subType}`) ?? ownProperty(BOUNCES, kind) ?? known;
}

/** Resend's own tags are pairs: a record, or a list of `name` and `value` as sending takes them. */
function nativeTags(tags: unknown): JsonRecord {
  if (!Array.isArray(tags)) return recordOf(tags);
  return Object.fromEntries(
    tags.filter(isRecord).map(({ name, value }) => [stringOf(name) ?? "", value] as const),
  );
}
