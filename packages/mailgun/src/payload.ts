import { type Address, formatAddress, type JsonObject, type JsonValue } from "@posthorn/core";
import {
  allRecipients,
  asString,
  chunk,
  encodeMultipart,
  type FormPart,
  formatAddresses,
  isInternational,
  type NormalizedMessage,
  type ReportUnsupported,
  type RequestBody,
} from "@posthorn/core/provider";
import { mergeFields, templateData } from "./merge.js";

/** Recipients that one batch may have. https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/batch-sending */
const BATCH_LIMIT = 1000;

/** One request's body, with the recipients it is for. */
export interface MailgunPayload {
  readonly body: RequestBody;
  readonly recipients: readonly Address[];
}

/** A form field. */
export type Field = readonly [name: string, value: string];

/**
 * The bodies of messages: one, or several for a batch beyond Mailgun's limit.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
 */
export function buildPayloads(
  given: NormalizedMessage,
  report: ReportUnsupported,
): readonly MailgunPayload[] {
  const message = templateData(given, report);
  if (message.from.some((address) => isInternational(address)))
    report("from", "EAI (a local part beyond ASCII) in from");
  const batches = message.isBatch ? chunk(message.to, BATCH_LIMIT) : [message.to];
  return batches.map((to) => ({
    body: buildBody(to === message.to ? message : { ...message, to }),
    recipients: allRecipients(message, to),
  }));
}

function buildBody(message: NormalizedMessage): RequestBody {
  const merge = mergeFields(message);
  const fields: Field[] = [
    ...addressFields("from", message.from),
    ...addressFields("to", message.to),
    ...addressFields("cc", message.cc),
    ...addressFields("bcc", message.bcc),
    ...optional("subject", message.subject),
    ...(message.replyTo.length > 0 ? [["h:Reply-To", formatAddresses(message.replyTo)] as const] : []),
    // A value that differs by recipient stands in the recipient variables, and the field refers to it.
    ...withReferences(
      message.headers.map(([name, value]) => [`h:${name}`, String(value)]),
      merge.references,
    ),
    ...optional("text", message.text),
    ...optional("html", message.html),
    ...optional("amp-html", message.amp),
    ...withReferences(
      Object.entries(message.metadata ?? {}).map(([key, value]) => [`v:${key}`, asString(value)]),
      merge.references,
    ),
    ...(message.sendAt ? [["o:deliverytime", new Date(message.sendAt.time).toUTCString()] as const] : []),
    ...message.tags.map((tag) => ["o:tag", tag] as const),
    ...optional("o:tracking-clicks", yesNo(message.trackClicks)),
    ...optional("o:tracking-opens", yesNo(message.trackOpens)),
    ...optional("template", message.templateId),
    ...merge.fields,
  ];
  const all = withExtra(fields, message.espExtra);
  return message.attachments.length > 0
    ? { multipart: [...all, ...files(message)], encode: encodeMultipart }
    : { form: all };
}

function addressFields(name: string, addresses: readonly Address[]): Field[] {
  return addresses.map((address) => [name, formatAddress(address)]);
}

function optional(name: string, value: string | number | undefined): Field[] {
  return value === undefined ? [] : [[name, String(value)]];
}

function withReferences(fields: readonly Field[], references: ReadonlyMap<string, string>): Field[] {
  return fields.map(([name, value]) => [name, references.get(name) ?? value]);
}

/** Fields of the caller's own, which take the place of Posthorn's; a list gives a field for each of its members. */
function withExtra(fields: readonly Field[], extra: JsonObject): readonly Field[] {
  const { sender_domain: _, ...own } = extra;
  const kept = fields.filter(([name]) => !Object.hasOwn(own, name));
  const added = Object.entries(own).flatMap(([name, value]) =>
    [value].flat().map((each): Field => [name, isSwitch(name, each) ? (yesNo(each) ?? "") : asString(each)]),
  );
  return [...kept, ...added];
}

/**
 * Options are `yes` or `no`: `true` for `o:testmode` is no value of Mailgun's, and the message may really go out.
 *
 * @see https://github.com/mailgun/mailgun-mcp-server (`src/openapi.yaml`, POST /v3/{domain_name}/messages)
 */
function isSwitch(name: string, value: JsonValue): value is boolean {
  return typeof value === "boolean" && (name.startsWith("o:") || name === "t:text");
}

function files(message: NormalizedMessage): FormPart[] {
  return message.attachments.map(({ content, contentType, contentId, filename, inline }) => ({
    name: inline ? "inline" : "attachment",
    // Mailgun takes the file name of an inline part for its Content-ID.
    filename: (inline ? contentId : filename) ?? "attachment",
    contentType,
    content: content.raw(),
  }));
}

function yesNo(value: boolean | undefined): string | undefined {
  return value === undefined ? undefined : value ? "yes" : "no";
}
