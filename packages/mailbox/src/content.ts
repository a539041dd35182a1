import {
  type Address,
  decodeBase64,
  encodeBase64,
  type HeaderValues,
  inboundFromMime,
  type JsonString,
  type Message,
  type NormalizedMessage,
  normalizeMessage,
} from "./core.js";
import type { StoredAddress, StoredAttachment, StoredContent } from "./stored-message.js";

/**
 * Checks a message and puts it into the form that the mailbox keeps.
 *
 * @throws InvalidMessageError naming the field
 */
export async function contentOf(message: Message): Promise<StoredContent> {
  return contentOfNormalized(await normalizeMessage(message, "base64", true));
}

/** A checked message in the form that the mailbox keeps. */
export async function contentOfNormalized(message: NormalizedMessage): Promise<StoredContent> {
  const { sendAt, espExtra } = message;
  const content = {
    from: message.from.map(addressOf),
    to: message.to.map(addressOf),
    cc: message.cc.map(addressOf),
    bcc: message.bcc.map(addressOf),
    replyTo: message.replyTo.map(addressOf),
    subject: message.subject,
    text: message.text,
    html: message.html,
    amp: message.amp,
    alternatives: message.alternatives.length > 0 ? message.alternatives : undefined,
    headers: message.headers.length > 0 ? recordOf(message.headers) : undefined,
    attachments: await Promise.all(
      message.attachments.map(async (file) => ({
        filename: file.filename,
        contentType: file.contentType,
        contentId: file.contentId,
        inline: file.inline,
        size: file.content.size,
        content: await stringOf(file.content.base64()),
      })),
    ),
    envelopeSender: message.envelopeSender && addressOf(message.envelopeSender),
    metadata: message.metadata,
    sendAt: sendAt?.iso,
    tags: message.tags.length > 0 ? message.tags : undefined,
    trackClicks: message.trackClicks,
    trackOpens: message.trackOpens,
    templateId: message.templateId,
    mergeData: message.mergeData,
    mergeGlobalData: message.mergeGlobalData,
    mergeHeaders:
      message.mergeHeaders &&
      Object.fromEntries(
        Object.entries(message.mergeHeaders).map(([address, list]) => [address, recordOf(list)]),
      ),
    mergeMetadata: message.mergeMetadata,
    espExtra: Object.keys(espExtra).length > 0 ? espExtra : undefined,
    idempotencyKey: message.idempotencyKey,
  };
  return withoutUnset(content);
}

/** A kept message as `send` takes it. */
export function messageOf(content: StoredContent): Message {
  const { from, attachments, ...rest } = content;
  const author = from.length > 1 ? { from: from.map(formatted).join(", ") } : { from: from[0] };
  return withoutUnset({
    ...rest,
    ...author,
    attachments: attachments.map(({ filename, contentType, contentId, inline, content: base64 = "" }) => ({
      ...withoutUnset({ filename, contentId }),
      contentType,
      content: base64,
      encoding: "base64" as const,
      disposition: inline ? ("inline" as const) : ("attachment" as const),
    })),
  });
}

/**
 * Reads a message that came by SMTP.
 *
 * @param mime the message (RFC 5322)
 * @param envelope the addresses of `MAIL FROM` and `RCPT TO`
 */
export async function contentOfMime(
  mime: Uint8Array,
  envelope: { readonly from: string; readonly to: readonly string[] },
): Promise<StoredContent> {
  const parsed = await inboundFromMime(mime);
  const named = [...parsed.to, ...parsed.cc];
  const known = new Set(named.map(({ email }) => email.toLowerCase()));
  const files = [...parsed.attachments, ...Object.values(parsed.inlines)];
  const attachments = await Promise.all(
    files.map(async (file): Promise<StoredAttachment> => {
      const bytes = new Uint8Array(await (await file.blob()).arrayBuffer());
      return {
        filename: file.filename ?? undefined,
        contentType: file.contentType,
        contentId: file.contentId ?? undefined,
        inline: file.inline,
        size: bytes.length,
        content: encodeBase64(bytes),
      };
    }),
  );
  return withoutUnset({
    from: parsed.from ? [parsed.from] : [{ name: "", email: envelope.from }],
    to: parsed.to,
    cc: parsed.cc,
    // Recipients that no header names are blind copies.
    bcc: envelope.to
      .filter((email) => !known.has(email.toLowerCase()))
      .map((email): StoredAddress => ({ name: "", email })),
    replyTo: parsed.replyTo,
    subject: parsed.subject ?? undefined,
    text: parsed.text ?? undefined,
    html: parsed.html ?? undefined,
    // A name that is repeated keeps its first value here; the source has all of them.
    headers: recordOf(parsed.headers.filter(([name]) => !FIELDS.test(name)).reverse()),
    attachments,
    envelopeSender: envelope.from || undefined,
  });
}

/** Headers that fields of a message stand for, or that belong to the MIME structure. */
const FIELDS =
  /^(?:from|to|cc|bcc|subject|sender|reply-to|return-path|mime-version|content-(?:type|transfer-encoding|disposition))$/i;

/** The bytes of an attachment. */
export function bytesOf(file: StoredAttachment): Uint8Array<ArrayBuffer> {
  return decodeBase64(file.content ?? "") as Uint8Array<ArrayBuffer>;
}

/** Base64 of bytes. */
export function base64Of(bytes: Uint8Array): string {
  return encodeBase64(bytes);
}

function addressOf({ name, email }: Address): StoredAddress {
  return { name, email };
}

function formatted({ name, email }: StoredAddress): string {
  return name === "" ? email : `"${name.replace(/(["\\])/g, "\\$1")}" <${email}>`;
}

function recordOf(list: readonly (readonly [string, string | number])[]): HeaderValues {
  return Object.fromEntries(list);
}

async function stringOf(text: JsonString): Promise<string> {
  return typeof text === "string" ? text : text.pieces.blob().text();
}

function withoutUnset<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T;
}
