import {
  dateOfSeconds,
  jsonOf,
  listOf,
  meaningFields,
  ownProperty,
  recordOf,
  type TrackingFields,
  type WebhookForm,
} from "@posthorn/core/webhooks";
import { LEGACY_CODES, LEGACY_EVENTS } from "./meanings.js";

/** Mailgun's own fields; what else there is, is metadata. */
const OWN = new Set(
  `event recipient domain message-headers message-id x-mailgun-sid x-mailgun-tag x-mailgun-variables attachment-count
  timestamp token signature parent-signature code error notification reason description campaign-id
  campaign-name tag mailing-list ip country region city user-agent device-type client-type client-name client-os url h body-plain`.split(
    /\s+/,
  ),
);
/** Fields that a form may hold twice, once as metadata; of these Mailgun's own is the last, of others the first. */
const OWN_IS_LAST = new Set(["timestamp", "token", "signature"]);
/** Fields that a form may rightly hold several times. */
const LISTS = new Set(["tag", "x-mailgun-tag"]);

/** A form as an event. */
export function readForm(form: WebhookForm, token: string): TrackingFields {
  const headers = listOf(jsonOf(form.text("message-headers")));
  const event = form.text("event") ?? "";
  const error = form.text("error");
  const tags = form.all("tag");
  return {
    ...legacyMeaning(event, form.text("code")),
    eventId: token || null,
    messageId: inBrackets(form.text("Message-Id") || form.text("message-id")),
    recipient: form.text("recipient"),
    timestamp: dateOfSeconds(form.all("timestamp").at(-1)),
    description: form.text("description"),
    mtaResponse: error || form.text("notification") || null,
    tags: tags.length > 0 ? tags : form.all("X-Mailgun-Tag"),
    metadata: form.field("message-headers") ? metadataOfHeaders(headers) : metadataOfFields(event, form),
    clickUrl: form.text("url"),
    userAgent: form.text("user-agent"),
  };
}

/** @param code of SMTP (RFC 5321), enhanced (RFC 3463) as `5.1.1`, or Mailgun's own */
function legacyMeaning(event: string, code: string | null): TrackingFields {
  const fields = meaningFields(ownProperty(LEGACY_EVENTS, event));
  if (!code || (fields.eventType !== "bounced" && fields.eventType !== "rejected")) return fields;
  const family = /^([45])(?:\d\d|\.)/.exec(code)?.[1];
  return {
    ...fields,
    rejectReason: ownProperty(LEGACY_CODES, code) ?? (family ? "bounced" : "other"),
    permanent: family ? family === "5" : null,
  };
}

/** As sending gives it. */
function inBrackets(id: string | null): string | null {
  return id && !id.startsWith("<") ? `<${id}>` : id || null;
}

/** Deliveries tell metadata by the mail's own headers. */
function metadataOfHeaders(headers: readonly unknown[]): Readonly<Record<string, unknown>> {
  const found = headers.filter(
    (header): header is readonly [string, unknown] =>
      Array.isArray(header) && String(header[0]).toLowerCase() === "x-mailgun-variables",
  );
  return Object.fromEntries(found.flatMap(([, value]) => Object.entries(recordOf(jsonOf(value) ?? value))));
}

/** What the recipient does tells metadata by fields among Mailgun's own. */
const WITH_FIELDS = new Set(["opened", "clicked", "unsubscribed"]);

function metadataOfFields(event: string, form: WebhookForm): Readonly<Record<string, unknown>> {
  if (!WITH_FIELDS.has(event)) return {};
  const names = [...new Set(form.fields.map((field) => field.name))];
  return Object.fromEntries(
    names.flatMap((name) => {
      const key = name.toLowerCase();
      const values = form.all(name);
      if (!OWN.has(key)) return [[name, values[0]]];
      if (values.length < 2 || LISTS.has(key)) return [];
      return [[name, OWN_IS_LAST.has(key) ? values[0] : values.at(-1)]];
    }),
  );
}
