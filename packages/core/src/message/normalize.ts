import { InvalidMessageError } from "../errors.js";
import { type Address, type AddressInput, parseAddress, parseAddressList } from "./address.js";
import { type Attachment, type AttachmentInput, readAttachment } from "./attachment.js";
import type { AttachmentEncoding } from "./content.js";
import { type JsonObject, type JsonValue, toJson } from "./json.js";
import { type Alternative, MESSAGE_FIELDS, type Message } from "./message.js";
import { parseSendAt, type SendTime } from "./send-at.js";
import { hasControl, hasHeaderControl, isHeaderName, nearest, ownProperty } from "./text.js";

/** Headers in the order they were given. */
export type HeaderList = readonly (readonly [name: string, value: string | number])[];

/** A message checked and put into one form, as payload builders take it. Absent lists are empty. */
export interface NormalizedMessage {
  /** At least one, but for a template that brings its own sender, where the provider has `templateSender`. */
  readonly from: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly replyTo: readonly Address[];
  readonly subject: string | undefined;
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly amp: string | undefined;
  readonly alternatives: readonly Alternative[];
  readonly headers: HeaderList;
  readonly attachments: readonly Attachment[];
  readonly envelopeSender: Address | undefined;
  readonly metadata: JsonObject | undefined;
  readonly sendAt: SendTime | undefined;
  readonly tags: readonly string[];
  readonly trackClicks: boolean | undefined;
  readonly trackOpens: boolean | undefined;
  readonly templateId: string | number | undefined;
  /** By address as written on the wire. */
  readonly mergeData: Readonly<Record<string, JsonObject>> | undefined;
  readonly mergeGlobalData: JsonObject | undefined;
  readonly mergeHeaders: Readonly<Record<string, HeaderList>> | undefined;
  readonly mergeMetadata: Readonly<Record<string, JsonObject>> | undefined;
  readonly espExtra: JsonObject;
  readonly idempotencyKey: string | undefined;
  /** Whether each `to` recipient gets a message of their own: any of the by-recipient fields was given. */
  readonly isBatch: boolean;
}

/** Header names that a field of the message sets. */
const FIELD_OF_HEADER: Readonly<Record<string, string>> = {
  from: "from",
  to: "to",
  cc: "cc",
  bcc: "bcc",
  subject: "subject",
  sender: "envelopeSender",
  "return-path": "envelopeSender",
};

const KNOWN_FIELDS: ReadonlySet<string> = new Set(MESSAGE_FIELDS);

/**
 * Checks a message and puts it into one form. Streams are read to their end here.
 *
 * @param form how the provider takes attachments
 * @param templateSender whether the provider's templates can bring a sender
 * @throws InvalidMessageError naming the field and what to do
 */
export async function normalizeMessage(
  message: Message,
  form: AttachmentEncoding,
  templateSender = false,
): Promise<NormalizedMessage> {
  checkFields(message);
  const [headers, replyToHeader] = splitReplyTo(readHeaders(message.headers ?? undefined, "headers"));
  const replyTo = addresses(message.replyTo, "replyTo");
  const from = message.from ?? undefined;
  if (from === undefined && !(templateSender && (message.templateId ?? undefined) !== undefined))
    throw invalid("from", "is missing: who is the mail from?");
  const { text, html, amp, alternatives } = bodies(message);
  // One literal, without spreading: it is made for every mail, and engines are slow to spread so many members.
  const normalized: { -readonly [K in keyof NormalizedMessage]: NormalizedMessage[K] } = {
    from: from === undefined ? [] : parseAddressList(from, "from"),
    to: addresses(message.to, "to"),
    cc: addresses(message.cc, "cc"),
    bcc: addresses(message.bcc, "bcc"),
    replyTo: replyTo.length > 0 ? replyTo : replyToHeader,
    subject: headerString(message.subject, "subject"),
    text,
    html,
    amp,
    alternatives,
    headers,
    attachments: [],
    envelopeSender: message.envelopeSender
      ? parseAddress(message.envelopeSender, "envelopeSender")
      : undefined,
    metadata: dictionary(message.metadata, "metadata"),
    sendAt: (message.sendAt ?? undefined) === undefined ? undefined : parseSendAt(message.sendAt),
    tags: tagList(message.tags),
    trackClicks: flag(message.trackClicks, "trackClicks"),
    trackOpens: flag(message.trackOpens, "trackOpens"),
    templateId: templateId(message.templateId),
    mergeData: byRecipient(message.mergeData, "mergeData", dictionaryOf),
    mergeGlobalData: dictionary(message.mergeGlobalData, "mergeGlobalData"),
    mergeHeaders: sameCase(headers, byRecipient(message.mergeHeaders, "mergeHeaders", readHeaders)),
    mergeMetadata: byRecipient(message.mergeMetadata, "mergeMetadata", dictionaryOf),
    espExtra: dictionary(message.espExtra, "espExtra") ?? {},
    idempotencyKey: headerString(message.idempotencyKey, "idempotencyKey") || undefined,
    isBatch: false,
  };
  if (normalized.to.length + normalized.cc.length + normalized.bcc.length === 0) {
    throw invalid("to", "has no recipient, and neither have cc and bcc: who is the mail for?");
  }
  normalized.isBatch = Boolean(normalized.mergeData ?? normalized.mergeHeaders ?? normalized.mergeMetadata);
  if (normalized.isBatch && normalized.to.length === 0)
    throw invalid(
      "to",
      "has no recipient, and each of them was to get a message of their own (by mergeData or the like)",
    );
  // Last, so that no stream is read for a message that is not valid.
  normalized.attachments = await attachments(message.attachments, form);
  return normalized;
}

function checkFields(message: unknown): void {
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    throw new InvalidMessageError("A message is an object such as { from, to, subject, text }");
  }
  for (const field of Object.keys(message)) {
    if (KNOWN_FIELDS.has(field)) continue;
    const meant = nearest(field, KNOWN_FIELDS);
    throw invalid(field, `is not a field of messages${meant ? `; is "${meant}" meant?` : ""}`);
  }
}

function addresses(list: readonly AddressInput[] | null | undefined, field: string): readonly Address[] {
  return listOf(list, field).map((entry, index) => parseAddress(entry as AddressInput, `${field}[${index}]`));
}

function listOf(list: unknown, field: string): readonly unknown[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) {
    const hint = typeof list === "string" ? `: write ["${list}"]` : "";
    throw invalid(field, `is not a list${hint}`);
  }
  return list;
}

function headerString(value: unknown, field: string): string | undefined {
  const text = bodyString(value, field);
  if (text !== undefined && hasHeaderControl(text))
    throw invalid(field, "holds a control character or line break");
  return text;
}

function bodyString(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw invalid(field, "is not text");
  return value;
}

function flag(value: unknown, field: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw invalid(field, "is neither true nor false");
  return value;
}

function templateId(value: unknown): string | number | undefined {
  return typeof value === "number" ? value : headerString(value, "templateId");
}

/** The bodies; an alternative that is HTML or AMP takes the place of a missing `html` or `amp`. */
function bodies(message: Message): Pick<NormalizedMessage, "text" | "html" | "amp" | "alternatives"> {
  const alternatives: Alternative[] = [];
  let html = bodyString(message.html, "html");
  let amp = bodyString(message.amp, "amp");
  for (const [index, entry] of listOf(message.alternatives, "alternatives").entries()) {
    const { content, contentType } = (entry ?? {}) as Partial<Alternative>;
    const field = `alternatives[${index}]`;
    if (typeof content !== "string" || typeof contentType !== "string" || hasControl(contentType)) {
      throw invalid(field, "is not { content, contentType }, both of them text");
    }
    if (contentType === "text/html" && html === undefined) html = content;
    else if (contentType === "text/x-amp-html" && amp === undefined) amp = content;
    else alternatives.push({ content, contentType });
  }
  return { text: bodyString(message.text, "text"), html, amp, alternatives };
}

function readHeaders(headers: unknown, field: string): HeaderList {
  if (headers === undefined || headers === null) return [];
  if (typeof headers !== "object" || Array.isArray(headers))
    throw invalid(field, "is not an object of header values");
  const seen = new Set<string>();
  return Object.entries(headers)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]: [string, unknown]) => {
      const path = `${field}.${name}`;
      if (!isHeaderName(name)) throw invalid(path, "is not a header name");
      const lower = name.toLowerCase();
      if (seen.has(lower)) throw invalid(path, "is given twice (header names do not tell case apart)");
      seen.add(lower);
      const owner = ownProperty(FIELD_OF_HEADER, lower);
      if (owner) throw invalid(path, `is set by the field "${owner}"`);
      if (typeof value === "number") return [name, value] as const;
      const text = headerString(value, path);
      return [name, text ?? ""] as const;
    });
}

/** Header names by recipient, written as the first place that names them writes them: payloads compare them as text. */
function sameCase(
  common: HeaderList,
  byAddress: Readonly<Record<string, HeaderList>> | undefined,
): Readonly<Record<string, HeaderList>> | undefined {
  if (!byAddress) return undefined;
  const names = new Map(common.map(([name]) => [name.toLowerCase(), name]));
  const rename = (name: string): string => {
    const lower = name.toLowerCase();
    if (!names.has(lower)) names.set(lower, name);
    return names.get(lower) ?? name;
  };
  return Object.fromEntries(
    Object.entries(byAddress).map(([address, list]) => [
      address,
      list.map(([name, value]) => [rename(name), value] as const),
    ]),
  );
}

/** Reply-To given as a header means the field. */
function splitReplyTo(headers: HeaderList): [HeaderList, readonly Address[]] {
  const found = headers.find(([name]) => name.toLowerCase() === "reply-to");
  if (!found) return [headers, []];
  return [
    headers.filter((header) => header !== found),
    parseAddressList(String(found[1]), "headers.Reply-To"),
  ];
}

function tagList(tags: unknown): readonly string[] {
  return listOf(tags, "tags").map((tag, index) => {
    const text = headerString(tag, `tags[${index}]`);
    if (!text) throw invalid(`tags[${index}]`, "is not a text with something in it");
    return text;
  });
}

function dictionary(value: unknown, field: string): JsonObject | undefined {
  return value === undefined || value === null ? undefined : dictionaryOf(value, field);
}

function dictionaryOf(value: unknown, field: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(field, "is not an object");
  for (const key of Object.keys(value)) {
    if (hasControl(key))
      throw invalid(`${field}.${JSON.stringify(key)}`, "holds a control character in its name");
  }
  const json: JsonValue = toJson(value, field);
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalid(field, "is not an object");
  return json as JsonObject;
}

function byRecipient<T>(
  value: unknown,
  field: string,
  read: (entry: unknown, field: string) => T,
): Readonly<Record<string, T>> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value))
    throw invalid(field, "is not an object by recipient address");
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]: [string, unknown]) => {
      const path = `${field}["${key}"]`;
      return [parseAddress(key, path).email, read(entry, path)];
    }),
  );
}

async function attachments(list: unknown, form: AttachmentEncoding): Promise<readonly Attachment[]> {
  const read: Attachment[] = [];
  // One after the other: they may be streams over one connection, and together they need not fit in memory.
  for (const [index, input] of listOf(list, "attachments").entries()) {
    read.push(await readAttachment(input as AttachmentInput, `attachments[${index}]`, form));
  }
  return read;
}

function invalid(field: string, why: string): InvalidMessageError {
  return new InvalidMessageError(`"${field}" ${why}`, { field });
}

/**
 * Who the mail is from.
 *
 * @throws InvalidMessageError when a template was to say so
 */
export function requireFrom({ from: [first] }: NormalizedMessage): Address {
  if (!first) throw invalid("from", "is missing: who is the mail from?");
  return first;
}
