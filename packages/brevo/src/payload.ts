import {
  type Address,
  chunk,
  encodeWords,
  type HeaderList,
  type JsonObject,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  utf8Base64,
} from "@posthorn/core";

/** Message versions that one request takes. https://developers.brevo.com/docs/batch-send-transactional-emails */
const BATCH_LIMIT = 1000;

/** One request's body, with the recipients of its versions. */
export interface BrevoPayload {
  readonly body: JsonRecord;
  readonly to: readonly Address[];
}

/**
 * The bodies that a message becomes; without idempotency keys.
 *
 * @see https://developers.brevo.com/reference/sendtransacemail
 */
export function buildPayloads(
  message: NormalizedMessage,
  report: ReportUnsupported,
): readonly BrevoPayload[] {
  if (!isAscii(message.metadata)) report("metadata", "characters beyond ASCII in metadata");
  if (!isAscii(message.mergeMetadata)) report("mergeMetadata", "characters beyond ASCII in mergeMetadata");
  const shared: JsonRecord = {
    sender: person(message.from[0]),
    cc: nonEmpty(message.cc.map(person)),
    bcc: nonEmpty(message.bcc.map(person)),
    replyTo: message.replyTo[0] && person(message.replyTo[0]),
    subject: message.subject || undefined,
    textContent: message.text,
    htmlContent: message.html,
    headers: headers(message.headers, message.metadata),
    attachment: nonEmpty(
      message.attachments.map((file) => ({ name: file.filename ?? "", content: utf8Base64(file) })),
    ),
    tags: nonEmpty(message.tags),
    scheduledAt: message.sendAt && withMilliseconds(message.sendAt.iso, message.sendAt.time),
    templateId: message.templateId,
    params: message.mergeGlobalData,
  };
  if (!message.isBatch) {
    return [
      { body: { ...shared, to: nonEmpty(message.to.map(person)), ...message.espExtra }, to: message.to },
    ];
  }
  return chunk(message.to, BATCH_LIMIT).map((to) => ({
    body: { ...shared, messageVersions: to.map((address) => version(message, address)), ...message.espExtra },
    to,
  }));
}

function version(message: NormalizedMessage, address: Address): JsonRecord {
  const { email } = address;
  const own = message.mergeMetadata?.[email];
  const metadata = own && { ...message.metadata, ...own };
  return {
    to: [person(address)],
    params: message.mergeData?.[email],
    headers: headers(message.mergeHeaders?.[email] ?? [], metadata),
  };
}

/** Brevo cannot read a name that has a comma and goes beyond ASCII, so such a name goes as encoded words. */
function person({ name, email }: Address): JsonRecord {
  if (name === "") return { email };
  return { email, name: name.includes(",") ? encodeWords(name) : name };
}

/** Metadata travels in a header that Brevo gives back in its webhooks. */
function headers(list: HeaderList, metadata: JsonObject | undefined): JsonRecord | undefined {
  const all: JsonRecord = Object.fromEntries(list.map(([name, value]) => [name, String(value)]));
  if (metadata) all["X-Mailin-custom"] = JSON.stringify(metadata);
  return Object.keys(all).length > 0 ? all : undefined;
}

function withMilliseconds(iso: string, time: number): string {
  return `${iso.slice(0, 19)}.${String(Math.abs(time % 1000)).padStart(3, "0")}${iso.slice(19)}`;
}

function isAscii(value: unknown): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is tested for
  return /^[\x00-\x7f]*$/.test(JSON.stringify(value ?? null));
}
