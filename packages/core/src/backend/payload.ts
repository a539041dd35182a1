import { utf8 } from "../bytes/chunks.js";
import type { Address } from "../message/address.js";
import { typeParameters } from "../message/attachment.js";
import { isRecord, type JsonBody, type JsonRecord } from "../message/json.js";
import type { HeaderList, NormalizedMessage } from "../message/normalize.js";
import { encodeJson } from "./body.js";
import type { ReportUnsupported } from "./unsupported.js";

/** The list, or `undefined` when it is empty: most APIs want what is empty left out. */
export function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** The object without its `undefined` members, or `undefined` when nothing is left: some APIs refuse what is empty. */
export function compact(record: Readonly<JsonRecord> | undefined): JsonRecord | undefined {
  const kept = Object.entries(record ?? {}).filter(([, value]) => value !== undefined);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/** The list in pieces of at most `size`; one empty piece when it is empty. */
export function chunk<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  if (list.length <= size) return [list];
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

/** `under` with `over` laid on it: objects merge at every depth, everything else gives way. */
export function deepMerge(under: JsonBody, over: JsonBody): JsonBody {
  if (!isRecord(under) || !isRecord(over)) return over;
  const merged: JsonRecord = { ...under };
  for (const [key, value] of Object.entries(over))
    merged[key] = key in merged ? deepMerge(merged[key], value) : value;
  return merged;
}

/** Values as texts: what is not text is written as JSON. For APIs that take nothing but texts. */
export function stringValues(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, asString(value)]));
}

/** A text as it is, anything else as JSON. */
export function asString(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A UUID that depends on the text alone (RFC 9562 section 5.8, from SHA-256). */
export async function uuidFrom(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(digest.subarray(0, 16), (octet) => octet.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * An idempotency key that a header can hold: as it is when it is printable Latin-1 and not too long, otherwise a UUID that depends on
 * it alone.
 *
 * @param max characters that the provider takes
 */
export async function headerSafeKey(key: string, max = 256): Promise<string> {
  return key.length <= max && key === key.trim() && /^[ -~\u00a1-\u00ff]+$/.test(key) ? key : uuidFrom(key);
}

/** Bytes of a value as JSON in a request's body, which providers limit. */
export function jsonSize(value: JsonBody): number {
  const body = encodeJson(value);
  return typeof body === "string" ? utf8(body).length : body.size;
}

/**
 * The list in pieces of at most `count` items and `bytes` bytes; an item that is larger goes alone. One empty piece when the list
 * is empty.
 *
 * @param sizeOf bytes of one item, such as its {@link jsonSize}
 */
export function chunkBySize<T>(
  list: readonly T[],
  { count, bytes }: { readonly count: number; readonly bytes: number },
  sizeOf: (item: T) => number,
): readonly (readonly T[])[] {
  let piece: T[] = [];
  const pieces = [piece];
  let room = bytes;
  for (const item of list) {
    const size = sizeOf(item);
    if (piece.length > 0 && (piece.length >= count || size > room)) {
      piece = [];
      pieces.push(piece);
      room = bytes;
    }
    piece.push(item);
    room -= size;
  }
  return pieces;
}

/** An address as most JSON APIs want it. */
export function toEmailAndName({ name, email }: Address): { readonly email: string; readonly name?: string } {
  return name === "" ? { email } : { email, name };
}

/** Headers as an object of texts; `undefined` when there are none. */
export function headerRecord(headers: HeaderList): JsonRecord | undefined {
  return compact(Object.fromEntries(headers.map(([name, value]) => [name, String(value)])));
}

/**
 * The message as one recipient of a batch gets it: their headers over the common ones, and their metadata and template
 * variables (as `mergeGlobalData`) likewise.
 */
export function forRecipient(message: NormalizedMessage, { email }: Address): NormalizedMessage {
  const own = message.mergeHeaders?.[email] ?? [];
  const replaced = new Set(own.map(([name]) => name));
  const metadata = { ...message.metadata, ...message.mergeMetadata?.[email] };
  const data = { ...message.mergeGlobalData, ...message.mergeData?.[email] };
  return {
    ...message,
    headers: [...message.headers.filter(([name]) => !replaced.has(name)), ...own],
    metadata: Object.keys(metadata).length > 0 ? metadata : undefined,
    mergeGlobalData: Object.keys(data).length > 0 ? data : undefined,
  };
}

/**
 * A batch as one message for each recipient, for providers that have none. Each has an idempotency key of its own, which depends on
 * the batch's and the address alone.
 */
export function splitBatch(message: NormalizedMessage): readonly NormalizedMessage[] {
  const { idempotencyKey: key } = message;
  return message.to.map((address) => ({
    ...forRecipient(message, address),
    to: [address],
    mergeData: undefined,
    mergeHeaders: undefined,
    mergeMetadata: undefined,
    isBatch: false,
    idempotencyKey: key === undefined ? undefined : `${key}/${address.email}`,
  }));
}

/** The `to` recipients in the groups that see each other: each alone in a batch, otherwise all together. */
export function recipientGroups(message: NormalizedMessage): readonly (readonly Address[])[] {
  return message.isBatch ? message.to.map((address) => [address]) : [message.to];
}

/**
 * The recipients of one request: its `to` recipients, then all copies.
 *
 * @param to the `to` recipients of the request
 * @default to all of the message's `to` recipients
 */
export function allRecipients(
  message: NormalizedMessage,
  to: readonly Address[] = message.to,
): readonly Address[] {
  return [...to, ...message.cc, ...message.bcc];
}

/**
 * Reports what an API that takes no content types would lose of them, such as `method=REQUEST` of an invitation, which must be
 * there (RFC 6047 section 2.4).
 */
export function reportTypeParameters({ attachments }: NormalizedMessage, report: ReportUnsupported): void {
  const lost = attachments.flatMap(typeParameters);
  if (lost.length > 0) report("attachments", `content types with ${[...new Set(lost)].join("; ")}`);
}

/** Headers by recipient, for APIs that have none but put substitutions into headers. */
export interface HeaderSubstitutions {
  /** Common headers with references (`{{Header__X_Name}}`) where recipients have their own. */
  readonly headers: JsonRecord | undefined;
  /** What references stand for where a recipient has no value: the common header's. Without it they stand for nothing. */
  readonly defaults: Readonly<Record<string, string>>;
  /** A recipient's own values for the references. */
  valuesFor(email: string): Record<string, string>;
}

/** Turns `mergeHeaders` into substitutions. Without any, the headers are as they are. */
export function headerSubstitutions(message: NormalizedMessage): HeaderSubstitutions {
  const lists = Object.values(message.mergeHeaders ?? {});
  const names = [...new Set(lists.flatMap((list) => list.map(([name]) => name)))];
  const common = new Map(message.headers.map(([name, value]) => [name, String(value)]));
  const references = names.map((name) => [name, `{{${variableName(name)}}}`] as const);
  return {
    headers: compact(Object.fromEntries([...common, ...references])),
    defaults: Object.fromEntries(
      names.flatMap((name) => (common.has(name) ? [[variableName(name), common.get(name) ?? ""]] : [])),
    ),
    valuesFor: (email) =>
      Object.fromEntries(
        (message.mergeHeaders?.[email] ?? []).map(([name, value]) => [variableName(name), String(value)]),
      ),
  };
}

/** `x-request-id` becomes `Header__X_Request_Id`: header names know no case, variables do. */
function variableName(header: string): string {
  const words = header.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase());
  return `Header__${words.join("_")}`;
}

/**
 * Finds the address as the caller wrote it for one that an answer names: it is the key of results. Case counts only
 * where two recipients differ in nothing else. An address that no recipient has comes back as it is.
 */
export function writtenAddresses(recipients: readonly Address[]): (email: string) => string {
  const exact = new Map(recipients.map(({ email, address }) => [email, address]));
  const folded = new Map(recipients.map(({ email, address }) => [email.toLowerCase(), address]));
  return (email) => exact.get(email) ?? folded.get(email.toLowerCase()) ?? email;
}
