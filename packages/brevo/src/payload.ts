import type { Address, JsonObject } from "@posthorn/core";
import {
  chunkBySize,
  compact,
  deepMerge,
  encodeWords,
  type HeaderList,
  type JsonRecord,
  jsonSize,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  reportTypeParameters,
  utf8Base64,
} from "@posthorn/core/provider";

/**
 * Message versions, and recipients of all of them, that one request takes.
 * https://developers.brevo.com/reference/send-transac-email
 */
const VERSION_LIMIT = 1000;
const RECIPIENT_LIMIT = 2000;
/** Bytes of the `params` of all versions that one request takes, less what may be counted otherwise. */
const PARAMS_LIMIT = 990_000;

/** One request's body, with the recipients of its versions. */
export interface BrevoPayload {
  readonly body: JsonRecord;
  readonly to: readonly Address[];
}

/**
 * The bodies that a message becomes; without idempotency keys.
 *
 * @see https://developers.brevo.com/reference/send-transac-email
 */
export function buildPayloads(
  message: NormalizedMessage,
  report: ReportUnsupported,
): readonly BrevoPayload[] {
  // Brevo sends them unencoded, and decodes what comes encoded.
  for (const field of ["headers", "mergeHeaders", "metadata", "mergeMetadata"] as const)
    if (!isAscii(message[field])) report(field, `characters beyond ASCII in ${field}`);
  reportTypeParameters(message, report);
  const shared: JsonRecord = {
    sender: message.from[0] && toEmailAndName(message.from[0]),
    cc: nonEmpty(message.cc.map(toEmailAndName)),
    bcc: nonEmpty(message.bcc.map(toEmailAndName)),
    replyTo: message.replyTo[0] && toEmailAndName(message.replyTo[0]),
    subject: message.subject || undefined,
    textContent: message.text || undefined,
    htmlContent: message.html || undefined,
    headers: headers(message.headers, message.metadata),
    attachment: nonEmpty(
      message.attachments.map((file) => ({ name: file.filename ?? "", content: utf8Base64(file) })),
    ),
    tags: nonEmpty(message.tags),
    scheduledAt: message.sendAt && withMilliseconds(message.sendAt.iso, message.sendAt.time),
    templateId: numericId(message.templateId),
    // Empty, Brevo refuses them as blank. https://github.com/sendinblue/APIv3-nodejs-library/issues/103
    params: compact(message.mergeGlobalData),
  };
  if (!message.isBatch) {
    const body = { ...shared, to: nonEmpty(message.to.map(toEmailAndName)) };
    return [{ body: deepMerge(body, message.espExtra) as JsonRecord, to: message.to }];
  }
  const perVersion = 1 + message.cc.length + message.bcc.length;
  const size = Math.max(1, Math.min(VERSION_LIMIT, Math.floor(RECIPIENT_LIMIT / perVersion)));
  const versions = message.to.map((address) => ({ address, version: version(message, address) }));
  const limits = { count: size, bytes: PARAMS_LIMIT };
  return chunkBySize(versions, limits, (one) => jsonSize(one.version["params"] ?? null)).map((part) => {
    const body = { ...shared, messageVersions: part.map((one) => one.version) };
    return {
      body: deepMerge(body, message.espExtra) as JsonRecord,
      to: part.map(({ address }) => address),
    };
  });
}

function version(message: NormalizedMessage, address: Address): JsonRecord {
  const { email } = address;
  const own = message.mergeMetadata?.[email];
  const metadata = own && { ...message.metadata, ...own };
  return {
    to: [toEmailAndName(address)],
    params: compact(message.mergeData?.[email]),
    headers: headers(message.mergeHeaders?.[email] ?? [], metadata),
  };
}

/** Brevo cannot read a name with specials (RFC 5322) that goes beyond ASCII, so such a name goes as encoded words. */
function toEmailAndName({ name, email }: Address): JsonRecord {
  if (name === "") return { email };
  return { email, name: /[()<>[\]:;@\\,."]/.test(name) ? encodeWords(name) : name };
}

/** Metadata travels in a header that Brevo gives back in its webhooks. */
function headers(list: HeaderList, metadata: JsonObject | undefined): JsonRecord | undefined {
  const all: JsonRecord = Object.fromEntries(list.map(([name, value]) => [name, String(value)]));
  if (metadata && Object.keys(metadata).length > 0) all["X-Mailin-custom"] = JSON.stringify(metadata);
  return Object.keys(all).length > 0 ? all : undefined;
}

/** Brevo's ids are numbers. */
function numericId(id: string | number | undefined): string | number | undefined {
  return typeof id === "string" && /^\d+$/.test(id) ? Number(id) : id;
}

function withMilliseconds(iso: string, time: number): string {
  return `${iso.slice(0, 19)}.${String(Math.abs(time % 1000)).padStart(3, "0")}${iso.slice(19)}`;
}

function isAscii(value: unknown): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is tested for
  return /^[\x00-\x7f]*$/.test(JSON.stringify(value ?? null));
}
