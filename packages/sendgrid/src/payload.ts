import { type Address, type Attachment, type JsonValue, SerializationError } from "@posthorn/core";
import {
  compact,
  deepMerge,
  headerRecord,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  requireFrom,
  stringValues,
  toEmailAndName,
  utf8Base64,
} from "@posthorn/core/provider";

/** How template variables reach a template. */
export interface MergeFormat {
  /** Delimiters of legacy substitutions, with `{}` for the name: `:{}-field`. Absent: names are used as they are. */
  readonly mergeFieldFormat: string | undefined;
}

/** A group of recipients who see each other: all of a message, or one of a batch. */
interface Group {
  readonly to: readonly Address[];
  /** The id that this package makes for it. */
  readonly id: string | undefined;
}

/**
 * The body of mail/send.
 *
 * @param groups the `to` recipients, all together or each alone
 * @see https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
 */
export function buildPayload(
  message: NormalizedMessage,
  groups: readonly Group[],
  format: MergeFormat,
): JsonRecord {
  const {
    merge_field_format: _,
    use_dynamic_template: __,
    personalizations: each,
    ...extra
  } = message.espExtra;
  const payload: JsonRecord = {
    // Extras for "each personalization" are an object; a list is the caller's own set of them.
    personalizations: Array.isArray(each)
      ? each
      : groups.map((group) => deepMerge(personalization(message, group, format), each ?? {})),
    from: toEmailAndName(requireFrom(message)),
    reply_to_list: nonEmpty(message.replyTo.map(toEmailAndName)),
    subject: message.subject || undefined,
    content: nonEmpty(contents(message)),
    attachments: nonEmpty(
      message.attachments.map((file) => ({
        content: utf8Base64(file),
        type: contentType(file),
        filename: file.filename ?? "",
        ...(file.inline ? { disposition: "inline", content_id: file.contentId } : {}),
      })),
    ),
    headers: headerRecord(message.headers),
    categories: nonEmpty(message.tags),
    custom_args: compact(stringValues(message.metadata ?? {})),
    send_at: message.sendAt && Math.floor(message.sendAt.time / 1000),
    template_id: message.templateId === undefined ? undefined : String(message.templateId),
    tracking_settings: compact({
      click_tracking: message.trackClicks === undefined ? undefined : { enable: message.trackClicks },
      open_tracking: message.trackOpens === undefined ? undefined : { enable: message.trackOpens },
    }),
  };
  return deepMerge(payload, extra) as JsonRecord;
}

function personalization(message: NormalizedMessage, { to, id }: Group, format: MergeFormat): JsonRecord {
  const own = message.isBatch ? to[0]?.email : undefined;
  const metadata = own === undefined ? undefined : message.mergeMetadata?.[own];
  return {
    to: nonEmpty(to.map(toEmailAndName)),
    cc: nonEmpty(message.cc.map(toEmailAndName)),
    bcc: nonEmpty(message.bcc.map(toEmailAndName)),
    headers: headerRecord((own === undefined ? undefined : message.mergeHeaders?.[own]) ?? []),
    // Named as Anymail names it, so that webhooks of both can read it.
    custom_args: compact({ ...(metadata ? stringValues(metadata) : {}), anymail_id: id }),
    ...variables(message, own, format),
  };
}

/** Dynamic templates take any JSON. Legacy ones, and a message's own text, take strings to put in place of others. */
function variables(message: NormalizedMessage, email: string | undefined, format: MergeFormat): JsonRecord {
  const values = {
    ...message.mergeGlobalData,
    ...(email === undefined ? undefined : message.mergeData?.[email]),
  };
  if (Object.keys(values).length === 0) return {};
  if (isDynamic(message)) return { dynamic_template_data: values };
  const given = message.espExtra["merge_field_format"];
  const pattern = given === undefined ? format.mergeFieldFormat : given;
  const named = Object.entries(values).map(([name, value]) => [
    typeof pattern === "string" && pattern !== "" ? delimited(pattern, name) : name,
    substitution(name, value),
  ]);
  return { substitutions: Object.fromEntries(named) };
}

/** A name in its delimiters: `{}` is the name, and `{{` and `}}` are a brace each. */
function delimited(pattern: string, name: string): string {
  return pattern.replace(/\{\}|\{\{|\}\}/g, (part) => (part === "{}" ? name : part.charAt(0)));
}

/** The ids of dynamic templates begin with `d-`; `espExtra.use_dynamic_template` says otherwise. */
function isDynamic(message: NormalizedMessage): boolean {
  const forced = message.espExtra["use_dynamic_template"];
  return typeof forced === "boolean" ? forced : String(message.templateId ?? "").startsWith("d-");
}

function substitution(name: string, value: JsonValue): JsonValue {
  if (value === null) return null;
  if (typeof value === "object") {
    const field = `mergeData["${name}"]`;
    throw new SerializationError(
      `"${field}" must be a string: legacy substitutions of SendGrid take no lists or objects. Use a dynamic template`,
      { field, provider: "SendGrid" },
    );
  }
  return String(value);
}

/**
 * SendGrid refuses a charset in the type of a file. An invitation must keep its `method` (RFC 6047 section 2.4).
 *
 * @see https://github.com/anymail/django-anymail/issues/150
 */
function contentType({ contentType: type, mimeType }: Attachment): string {
  const method = mimeType === "text/calendar" && /;\s*method\s*=\s*"?([\w-]+)/i.exec(type)?.[1];
  return method ? `${mimeType}; method=${method}` : mimeType;
}

function contents(message: NormalizedMessage): JsonRecord[] {
  const parts: JsonRecord[] = [];
  if (message.text) parts.push({ type: "text/plain", value: message.text });
  // The order matters: the richest comes last, AMP between text and HTML.
  if (message.amp) parts.push({ type: "text/x-amp-html", value: message.amp });
  if (message.html) parts.push({ type: "text/html", value: message.html });
  for (const { contentType, content } of message.alternatives)
    parts.push({ type: contentType, value: content });
  return parts;
}
