import { type Address, formatAddress } from "@posthorn/core";
import {
  chunk,
  compact,
  deepMerge,
  encodeBase64,
  encodeWords,
  headerSubstitutions,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  uuidFrom,
} from "@posthorn/core/provider";

/** Recipients that one request takes. https://godocs.unisender.ru/web-api-ref#email-send */
const RECIPIENT_LIMIT = 500;

/** Characters that an idempotency key may have. It is kept for one minute. https://godocs.unisender.ru/web-api-ref#email-send */
const KEY_LIMIT = 64;

/** One request's body, with the recipients it is for. */
export interface UnisenderGoPayload {
  readonly body: { readonly message: JsonRecord };
  readonly recipients: readonly Address[];
}

/**
 * The bodies that a message becomes.
 *
 * @param ids an id of our own for each recipient, by lower-case address; absent when none are to be sent
 * @see https://godocs.unisender.ru/web-api-ref#email-send
 */
export async function buildPayloads(
  message: NormalizedMessage,
  ids: ReadonlyMap<string, string> | undefined,
  report: ReportUnsupported,
): Promise<readonly UnisenderGoPayload[]> {
  reportHeaders(message, report);
  const everyone = [...message.to, ...message.cc, ...message.bcc];
  const shared = buildShared(message);
  const batches = chunk(everyone, RECIPIENT_LIMIT);
  const payloads = batches.map(async (recipients, index) => {
    const key = batches.length > 1 ? `${message.idempotencyKey}/${index}` : (message.idempotencyKey ?? "");
    const own = {
      ...shared,
      recipients: recipients.map((address) =>
        recipient(message, address, ids?.get(address.email.toLowerCase())),
      ),
      idempotence_key: key.length > KEY_LIMIT ? await uuidFrom(key) : key,
    };
    return { body: { message: deepMerge(own, extra(message)) as JsonRecord }, recipients };
  });
  return Promise.all(payloads);
}

function reportHeaders(message: NormalizedMessage, report: ReportUnsupported): void {
  const names = Object.values(message.mergeHeaders ?? {}).flatMap((list) => list.map(([name]) => name));
  // Substitutions count in no other header.
  if (names.some((name) => name.toLowerCase() !== "list-unsubscribe"))
    report("mergeHeaders", "headers by recipient other than List-Unsubscribe");
  if (message.isBatch && message.cc.length > 0) report("cc", "cc in a batch: it needs a common To header");
}

function buildShared(message: NormalizedMessage): JsonRecord {
  const [from] = message.from;
  const [replyTo] = message.replyTo;
  return {
    from_email: from?.email,
    from_name: from?.name || undefined,
    reply_to: replyTo?.email,
    reply_to_name: replyTo?.name ? encodeName(replyTo.name) : undefined,
    subject: message.subject || undefined,
    body: bodies(message),
    headers: headers(message),
    attachments: nonEmpty(
      message.attachments
        .filter(({ inline }) => !inline)
        .map(({ contentType, filename, content }) => ({
          type: contentType,
          name: filename ?? "",
          content: content.base64(),
        })),
    ),
    inline_attachments: nonEmpty(
      message.attachments
        .filter(({ inline }) => inline)
        .map(({ contentType, contentId, content }) => ({
          type: contentType,
          name: contentId,
          content: content.base64(),
        })),
    ),
    global_metadata: message.metadata,
    tags: nonEmpty(message.tags),
    track_links: flag(message.trackClicks),
    track_read: flag(message.trackOpens),
    options: message.sendAt && {
      send_at: new Date(message.sendAt.time).toISOString().slice(0, 19).replace("T", " "),
    },
    template_id: message.templateId,
    global_substitutions: compact({
      ...headerSubstitutions(message).defaults,
      ...message.mergeGlobalData,
    }),
  };
}

function bodies(message: NormalizedMessage): JsonRecord | undefined {
  const { html, text: plaintext, amp } = message;
  return html === undefined && plaintext === undefined && amp === undefined
    ? undefined
    : { html, plaintext, amp };
}

/**
 * Headers for all. Each `to` recipient sees who else got the mail, unless it is a batch. A header that differs by
 * recipient refers to a substitution.
 */
function headers(message: NormalizedMessage): JsonRecord | undefined {
  const own = Object.entries(headerSubstitutions(message).headers ?? {});
  const all: JsonRecord = Object.fromEntries(own.map(([name, value]) => [name, encodeWords(String(value))]));
  if (!message.isBatch && message.to.length > 0) all["to"] = addressHeader(message.to);
  if (message.cc.length > 0) all["cc"] = addressHeader(message.cc);
  return compact(all);
}

function addressHeader(addresses: readonly Address[]): string {
  return addresses.map((address) => formatAddress({ ...address, name: encodeName(address.name) })).join(", ");
}

/** Unisender Go misreads specials in names, quoted or not: an encoded word hides them. */
function encodeName(name: string): string {
  return /[()<>[\]:;@\\,"]/.test(name) && encodeWords(name) === name
    ? `=?utf-8?b?${encodeBase64(new TextEncoder().encode(name))}?=`
    : encodeWords(name);
}

function recipient(message: NormalizedMessage, { email, name }: Address, id: string | undefined): JsonRecord {
  const substitutions = {
    ...(name === "" ? {} : { to_name: name }),
    ...headerSubstitutions(message).valuesFor(email),
    ...message.mergeData?.[email],
  };
  // Named as Anymail names it, so that webhooks of both can read it.
  const metadata = { ...(id === undefined ? {} : { anymail_id: id }), ...message.mergeMetadata?.[email] };
  return { email, substitutions: compact(substitutions), metadata: compact(metadata) };
}

function flag(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

/** Options of the caller's own go into the message, given with or without that around them. */
function extra(message: NormalizedMessage): JsonRecord {
  const { message: inner, ...rest } = message.espExtra;
  return deepMerge(rest, (inner ?? {}) as JsonRecord) as JsonRecord;
}
