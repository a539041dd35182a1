import { InvalidMessageError, reasonOf } from "../errors.js";
import { type Address, type AddressInput, parseAddress, parseAddressList } from "./address.js";
import { type Attachment, type AttachmentInput, readAttachment } from "./attachment.js";
import type { AttachmentEncoding } from "./content.js";
import { isStream } from "./content.js";
import { headerPairs } from "./defaults.js";
import { isRecord, type JsonObject, toJson } from "./json.js";
import { type Alternative, MESSAGE_FIELDS, type Message } from "./message.js";
import { parseSendAt, type SendTime } from "./send-at.js";
import { hasControl, hasHeaderControl, isHeaderName, nearest, ownProperty, wellFormed } from "./text.js";

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
  "return-path": "envelopeSender",
};

const KNOWN_FIELDS: ReadonlySet<string> = new Set(MESSAGE_FIELDS);

/** What people write for a field, from other libraries' names. */
const FIELD_OF_NAME: Readonly<Record<string, string>> = {
  body: 'html" or "text',
  content: 'html" or "text',
  message: 'html" or "text',
  react: "html",
  sender: "from",
  recipients: "to",
  scheduledat: "sendAt",
  template: "templateId",
  variables: "mergeGlobalData",
};

/**
 * Checks a message and puts it into one form. Streams are read to their end here.
 *
 * @param form how the provider takes attachments
 * @param isSenderless whether the message may go without `from`: its template or `espExtra` brings the sender
 * @throws InvalidMessageError naming the field and what to do
 */
export async function normalizeMessage(
  message: Message,
  form: AttachmentEncoding,
  isSenderless = false,
): Promise<NormalizedMessage> {
  checkFields(message);
  const [headers, replyToHeader] = splitReplyTo(readHeaders(message.headers, "headers"));
  const replyTo = addresses(message.replyTo, "replyTo");
  const from = listOf(message.from).flatMap((author) => parseAddressList(author as AddressInput, "from"));
  if (from.length === 0 && !isSenderless) throw invalid("from", "is required: who is the message from?");
  const seen = new Set<string>();
  const to = recipients(message.to, "to", seen);
  const { text, html, amp, alternatives } = await bodies(message);
  // One literal, without spreading: it is made for every message, and engines are slow to spread so many members.
  const normalized: { -readonly [K in keyof NormalizedMessage]: NormalizedMessage[K] } = {
    from,
    to,
    cc: recipients(message.cc, "cc", seen),
    bcc: recipients(message.bcc, "bcc", seen),
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
    mergeData: byRecipient(message.mergeData, "mergeData", to, dictionaryOf),
    mergeGlobalData: dictionary(message.mergeGlobalData, "mergeGlobalData"),
    mergeHeaders: sameCase(headers, byRecipient(message.mergeHeaders, "mergeHeaders", to, readHeaders)),
    mergeMetadata: byRecipient(message.mergeMetadata, "mergeMetadata", to, dictionaryOf),
    espExtra: dictionary(message.espExtra, "espExtra") ?? {},
    idempotencyKey: headerString(message.idempotencyKey, "idempotencyKey") || undefined,
    isBatch: Boolean(message.mergeData ?? message.mergeHeaders ?? message.mergeMetadata),
  };
  if (to.length + normalized.cc.length + normalized.bcc.length === 0)
    throw invalid("to", "must have a recipient, unless cc or bcc has one");
  if (normalized.isBatch && to.length === 0)
    throw invalid("to", "must have a recipient: mergeData and the like give each of them their own message");
  // Last, so that no stream is read for a message that is not valid.
  normalized.attachments = await attachments(message.attachments, form);
  return normalized;
}

function checkFields(message: unknown): void {
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    throw new InvalidMessageError("A message must be an object such as { from, to, subject, text }");
  }
  for (const field of Object.keys(message)) {
    if (KNOWN_FIELDS.has(field)) continue;
    const plain = field.replace(/[_-]/g, "").toLowerCase();
    const meant = ownProperty(FIELD_OF_NAME, plain) ?? nearest(plain, KNOWN_FIELDS);
    throw invalid(field, `is not a field of messages${meant ? `. Did you mean "${meant}"?` : ""}`);
  }
}

/** A field that takes one value or a list of them. */
function listOf(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

function addresses(value: unknown, field: string): readonly Address[] {
  return listOf(value).map((entry, index) =>
    parseAddress(entry as AddressInput, Array.isArray(value) ? `${field}[${index}]` : field),
  );
}

/** An address counts once, where it is named first: providers differ in what they do with a repeated one. */
function recipients(value: unknown, field: string, seen: Set<string>): readonly Address[] {
  return addresses(value, field).filter(({ email }) => isNew(email, seen));
}

function isNew(text: string, seen: Set<string>): boolean {
  const { size } = seen;
  return seen.add(text.toLowerCase()).size > size;
}

/** Why a value that must be a string is none, for the usual mistakes. */
function hint(value: unknown): string {
  if (typeof value === "function") return ": it is a function; pass what it returns";
  if (typeof value !== "object" || value === null) return "";
  if ("then" in value) return ": it is a Promise; await it";
  if ("$$typeof" in value) return ": it is a React element; pass what render(element) returns";
  if ("html" in value) return ": it is an object; pass its html";
  return isStream(value) ? ": it is a stream; read it first" : "";
}

function headerString(value: unknown, field: string): string | undefined {
  const text = stringOf(value, field);
  if (text !== undefined && hasHeaderControl(text))
    throw invalid(field, "must not have control characters or line breaks");
  return text;
}

function stringOf(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw invalid(field, `must be a string${hint(value)}`);
  return wellFormed(value);
}

/** A body, which template engines may promise. */
async function body(value: unknown, field: string): Promise<string | undefined> {
  let text: string | undefined;
  try {
    text = stringOf(await value, field);
  } catch (cause) {
    if (cause instanceof InvalidMessageError) throw cause;
    throw new InvalidMessageError(`"${field}" is a Promise that failed: ${reasonOf(cause)}`, {
      field,
      cause,
    });
  }
  if (text && /^\[object \w+\]$/.test(text))
    throw invalid(field, `is "${text}": an object was put into a string; await or render it first`);
  return text;
}

function flag(value: unknown, field: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw invalid(field, "must be true or false");
  return value;
}

function templateId(value: unknown): string | number | undefined {
  return typeof value === "number" ? value : headerString(value, "templateId");
}

/**
 * The bodies; an alternative that is HTML or AMP takes the place of a missing `html` or `amp`. An empty body beside another is
 * absent: readers would show the empty one.
 */
async function bodies(
  message: Message,
): Promise<Pick<NormalizedMessage, "text" | "html" | "amp" | "alternatives">> {
  const alternatives: Alternative[] = [];
  const text = await body(message.text, "text");
  let html = await body(message.html, "html");
  let amp = await body(message.amp, "amp");
  for (const [index, entry] of listOf(message.alternatives).entries()) {
    const { content, contentType } = (entry ?? {}) as Partial<Alternative>;
    if (typeof content !== "string" || typeof contentType !== "string" || hasControl(contentType)) {
      throw invalid(`alternatives[${index}]`, "must be { content, contentType }, two strings");
    }
    const alternative = { content: wellFormed(content), contentType: wellFormed(contentType) };
    if (contentType === "text/html" && !html) html = alternative.content;
    else if (contentType === "text/x-amp-html" && !amp) amp = alternative.content;
    else if (content) alternatives.push(alternative);
  }
  const isSome = Boolean(text || html || amp || alternatives.length > 0 || message.templateId);
  const given = (value: string | undefined): string | undefined => (isSome ? value || undefined : value);
  // Of several empty bodies, one is enough to say that the message is to be empty.
  return {
    text: given(text),
    html: given(text === undefined ? html : html || undefined),
    amp: amp || undefined,
    alternatives,
  };
}

/** Headers as pairs, from an object, a `Headers`, a `Map` or a list of pairs. */
function readHeaders(headers: unknown, field: string): HeaderList {
  if (headers === undefined || headers === null) return [];
  const pairs = headerPairs(headers);
  if (!pairs)
    throw invalid(field, "must be an object of header values, a Headers, a Map or a list of [name, value]");
  const seen = new Set<string>();
  const list: (readonly [string, string | number])[] = [];
  for (const [name, value] of pairs) {
    if (value === undefined || value === null) continue;
    const path = `${field}.${String(name)}`;
    if (typeof name !== "string" || !isHeaderName(name)) throw invalid(path, "is not a header name");
    if (!isNew(name, seen)) throw invalid(path, "is given twice (case does not count)");
    const owner = ownProperty(FIELD_OF_HEADER, name.toLowerCase());
    if (owner) throw invalid(path, `is set by the field "${owner}"`);
    list.push([name, typeof value === "number" ? value : (headerString(value, path) ?? "")]);
  }
  return list;
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
  const seen = new Set<string>();
  return listOf(tags)
    .map((tag, index) => {
      const field = Array.isArray(tags) ? `tags[${index}]` : "tags";
      if (isRecord(tag)) throw invalid(field, "must be a string; { name, value } pairs belong in metadata");
      const text = headerString(tag, field);
      if (!text) throw invalid(field, "must be a string that is not empty");
      return text;
    })
    .filter((tag) => isNew(tag, seen));
}

function dictionary(value: unknown, field: string): JsonObject | undefined {
  return value === undefined || value === null ? undefined : dictionaryOf(value, field);
}

function dictionaryOf(value: unknown, field: string): JsonObject {
  const json = typeof value === "object" && value !== null ? toJson(value, field) : undefined;
  if (!isRecord(json)) throw invalid(field, `must be an object${hint(value)}`);
  for (const key of Object.keys(json)) {
    if (hasControl(key))
      throw invalid(`${field}.${JSON.stringify(key)}`, "must not have control characters in its name");
  }
  return json as JsonObject;
}

/** Values by the address as it goes over the wire, for keys that name a recipient. Case counts only where it must. */
function byRecipient<T>(
  value: unknown,
  field: string,
  to: readonly Address[],
  read: (entry: unknown, field: string) => T,
): Readonly<Record<string, T>> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) throw invalid(field, "must be an object by recipient address");
  const emails = new Map(to.map(({ email }) => [email.toLowerCase(), email]));
  const found: Record<string, T> = {};
  for (const [key, entry] of Object.entries(value)) {
    const path = `${field}["${key}"]`;
    const email = emails.get(parseAddress(key, path).email.toLowerCase());
    if (email === undefined) throw invalid(path, 'must be the address of a recipient in "to"');
    if (Object.hasOwn(found, email)) throw invalid(path, "is given twice (case does not count)");
    found[email] = read(entry, path);
  }
  return found;
}

async function attachments(list: unknown, form: AttachmentEncoding): Promise<readonly Attachment[]> {
  const read: Attachment[] = [];
  // One after the other: they may be streams over one connection, and together they need not fit in memory.
  for (const [index, input] of listOf(list).entries()) {
    read.push(await readAttachment(input as AttachmentInput, `attachments[${index}]`, form));
  }
  return read;
}

function invalid(field: string, why: string): InvalidMessageError {
  return new InvalidMessageError(`"${field}" ${why}`, { field });
}

/**
 * Who the message is from.
 *
 * @throws InvalidMessageError when a template was to say so
 */
export function requireFrom({ from: [first] }: NormalizedMessage): Address {
  if (!first) throw invalid("from", "is required: who is the message from?");
  return first;
}
