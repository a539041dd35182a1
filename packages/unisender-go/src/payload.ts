import { type Address, formatAddress } from "@posthorn/core";
import {
  allRecipients,
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
  stringValues,
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
 * @param ids the id made for each recipient, by lower-case address; absent when none are to be sent
 * @see https://godocs.unisender.ru/web-api-ref#email-send
 */
export async function buildPayloads(
  given: NormalizedMessage,
  ids: ReadonlyMap<string, string> | undefined,
  report: ReportUnsupported,
): Promise<readonly UnisenderGoPayload[]> {
  const message = withoutUnsupported(given, report);
  const everyone = allRecipients(message);
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

/**
 * Headers that Unisender Go sends; it ignores all others.
 *
 * @see https://godocs.unisender.ru/web-api-ref#email-send
 */
const HEADERS = /^(?:x-.+|list-(?:unsubscribe|subscribe|help|owner|archive)|in-reply-to|references)$/i;

function withoutUnsupported(message: NormalizedMessage, report: ReportUnsupported): NormalizedMessage {
  const names = Object.values(message.mergeHeaders ?? {}).flatMap((list) => list.map(([name]) => name));
  // Substitutions are replaced in no other header.
  if (names.some((name) => name.toLowerCase() !== "list-unsubscribe"))
    report("mergeHeaders", "headers by recipient other than List-Unsubscribe");
  const ignored = message.headers.filter(([name]) => !HEADERS.test(name)).map(([name]) => name);
  if (ignored.length > 0) report("headers", `headers other than X-…: ${ignored.join(", ")}`);
  const hasCopies = message.isBatch && message.cc.length > 0;
  if (hasCopies) report("cc", "cc in a batch: it needs a common To header");
  return {
    ...message,
    headers: message.headers.filter(([name]) => HEADERS.test(name)),
    cc: hasCopies ? [] : message.cc,
  };
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
    // Values are strings. https://godocs.unisender.ru/web-api-ref#email-send
    global_metadata: compact(stringValues(message.metadata ?? {})),
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

/** Unisender Go misreads special characters in names, quoted or not: an encoded word hides them. */
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
  const metadata = {
    ...(id === undefined ? {} : { anymail_id: id }),
    ...stringValues(message.mergeMetadata?.[email] ?? {}),
  };
  return { email, substitutions: compact(substitutions), metadata: compact(metadata) };
}

function flag(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

/** The caller's extra options are merged into `message`, whether given inside of `message` or beside it. */
function extra(message: NormalizedMessage): JsonRecord {
  const { message: inner, ...rest } = message.espExtra;
  return deepMerge(rest, (inner ?? {}) as JsonRecord) as JsonRecord;
}
