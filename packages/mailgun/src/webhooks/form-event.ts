import {
  dateOfSeconds,
  jsonOf,
  listOf,
  lookUp,
  numberOf,
  type RejectReason,
  recordOf,
  type TrackingEventType,
  type TrackingFields,
  type WebhookForm,
} from "@posthorn/core/webhook";

/** Events of the legacy webhooks, which post forms. */
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  delivered: "delivered",
  dropped: "rejected",
  bounced: "bounced",
  complained: "complained",
  unsubscribed: "unsubscribed",
  opened: "opened",
  clicked: "clicked",
};

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
  return {
    eventType: lookUp(TYPES, event) ?? "unknown",
    eventId: token || null,
    messageId: form.text("Message-Id") ?? form.text("message-id"),
    recipient: form.text("recipient"),
    timestamp: dateOfSeconds(form.all("timestamp").at(-1)),
    rejectReason: reason(event, form),
    description: form.text("description"),
    mtaResponse: error || form.text("notification") || null,
    tags: [...form.all("tag"), ...form.all("X-Mailgun-Tag")],
    metadata: metadataOfHeaders(headers) ?? metadataOfFields(form),
    clickUrl: form.text("url"),
    userAgent: form.text("user-agent"),
  };
}

// https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp: 60x are Mailgun's own codes.
function reason(event: string, form: WebhookForm): RejectReason | null {
  if (event === "complained") return "spam";
  if (event !== "dropped" && event !== "bounced") return null;
  const code = numberOf(form.text("code"));
  if (form.text("reason") === "old" || code === 499) return "timed_out";
  if (code === 605) return "bounced";
  if (code === 607) return "spam";
  if (code === 606 || code === 600) return "unsubscribed";
  return event === "bounced" || (code !== null && code >= 500 && code < 600) ? "bounced" : "other";
}

/** Deliveries tell metadata by the mail's own headers. */
function metadataOfHeaders(headers: readonly unknown[]): Readonly<Record<string, unknown>> | undefined {
  const found = headers.filter(
    (header): header is readonly [string, unknown] =>
      Array.isArray(header) && String(header[0]).toLowerCase() === "x-mailgun-variables",
  );
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.flatMap(([, value]) => Object.entries(recordOf(jsonOf(value) ?? value))));
}

/** Opens and clicks tell metadata by fields among Mailgun's own. */
function metadataOfFields(form: WebhookForm): Readonly<Record<string, unknown>> {
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
