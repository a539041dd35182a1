import {
  type InboundAttachment,
  type InboundEvent,
  type InboundHeaders,
  inboundAttachment,
  inboundEvent,
  inboundFromMime,
  inboundMessage,
  noMessage,
  requireMime,
} from "@posthorn/core/inbound";
import {
  bytesOfBase64,
  ConfigurationError,
  dateOfSeconds,
  idOf,
  inboundHandler,
  isRecord,
  type JsonRecord,
  jsonOf,
  listOf,
  misdirected,
  numberOf,
  recordOf,
  stringOf,
  stringsOf,
  type WebhookForm,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { POSTAL, type PostalSignatureOptions } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface PostalInboundOptions extends WebhookOptions<InboundEvent>, PostalSignatureOptions {}

/**
 * Takes messages that Postal received, from an HTTP endpoint of either format (raw message, processed) and either encoding
 * (JSON, form). Raw ones as JSON are best: a processed one has some of the headers alone.
 *
 * @see https://docs.postalserver.io/developer/http-payloads
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: PostalInboundOptions): WebhookHandler {
  // Postal bounces to the sender what is answered with a 4xx, and tries again after a 5xx.
  // https://github.com/postalserver/postal/blob/3.3.6/app/senders/http_sender.rb
  return inboundHandler({ ...POSTAL, read, signatureStatus: 503 }, options);
}

async function read(post: WebhookPost): Promise<readonly InboundEvent[]> {
  const body = bodyOf(post);
  if ("payload" in body && !("rcpt_to" in body)) {
    throw misdirected("Postal", "event", stringOf(body["event"]) ?? undefined);
  }
  if (!("rcpt_to" in body)) {
    throw noMessage("Postal");
  }
  return [await ("message" in body ? readRaw(body) : readProcessed(body))];
}

/** The post as a record. Anything else is answered 500, since Postal bounces what is answered with a 4xx. */
function bodyOf(post: WebhookPost): JsonRecord {
  if (post.isForm) return fieldsOf(post.form());
  return recordOf(jsonOf(post.text()));
}

/** A form has its attachments as `attachments[0][filename]`, and a repeated header as several fields. */
function fieldsOf(form: WebhookForm): JsonRecord {
  const fields: Record<string, unknown> = {};
  const attachments: Record<string, string>[] = [];
  for (const { name } of form.fields) {
    const text = form.text(name) ?? "";
    const [, index, member] = /^attachments\[(\d{1,4})\]\[(\w+)\]$/.exec(name) ?? [];
    if (index === undefined || member === undefined) {
      const all = form.all(name);
      fields[name] = all.length > 1 ? all : text;
    } else {
      attachments[Number(index)] ??= {};
      Object.assign(attachments[Number(index)] ?? {}, { [member]: text });
    }
  }
  // Without prototype, `__proto__` being a name like others.
  return Object.assign(Object.create(null), fields, attachments.length > 0 ? { attachments } : {});
}

async function readRaw({ message: content, ...body }: JsonRecord): Promise<InboundEvent> {
  const isBase64 = body["base64"] === true || body["base64"] === "true" || body["base64"] === "1";
  const message = await inboundFromMime(requireMime("Postal", content, isBase64), {
    envelopeSender: stringOf(body["mail_from"]),
    envelopeRecipient: stringOf(body["rcpt_to"]),
  });
  return inboundEvent("Postal", body, message, { eventId: idOf(body["id"]) });
}

/** The headers that a processed message has, by their members. */
const HEADERS: readonly (readonly [name: string, member: string])[] = [
  ["From", "from"],
  ["To", "to"],
  ["Cc", "cc"],
  ["Reply-To", "reply_to"],
  ["Subject", "subject"],
  ["Date", "date"],
  ["Message-ID", "message_id"],
  ["In-Reply-To", "in_reply_to"],
  ["References", "references"],
  ["Auto-Submitted", "auto_submitted"],
];

/**
 * A processed message.
 *
 * @see https://github.com/postalserver/postal/blob/3.3.6/app/senders/http_sender.rb
 */
function readProcessed(body: JsonRecord): InboundEvent {
  const { attachments, ...raw } = body;
  const files = listOf(attachments).filter(isRecord);
  const count = numberOf(body["attachment_quantity"]) ?? 0;
  if (files.length < count) {
    throw new ConfigurationError(
      `Postal: the message has ${count} attachments, and the HTTP endpoint posts ${files.length} of them; turn "include attachments" on, or deliver raw messages`,
      { provider: "Postal" },
    );
  }
  const headers: InboundHeaders = HEADERS.flatMap(([name, member]) =>
    stringsOf(body[member]).map((value) => [name, value] as const),
  );
  const text = stringOf(body["plain_body"]) ?? "";
  const quoted = stringOf(body["replies_from_plain_body"]);
  const spam = stringOf(body["spam_status"]);
  const message = inboundMessage({
    headers,
    text: text + (quoted ?? "") || null,
    html: stringOf(body["html_body"]) || null,
    attachments: files.map(readFile),
    envelopeSender: stringOf(body["mail_from"]),
    envelopeRecipient: stringOf(body["rcpt_to"]),
    // With "strip replies", the text is what is new in it.
    strippedText: quoted === null ? null : text,
    spamDetected: spam === "Spam" ? true : spam === "NotSpam" ? false : null,
  });
  return inboundEvent("Postal", raw, message, {
    eventId: idOf(body["id"]),
    timestamp: dateOfSeconds(body["timestamp"]),
  });
}

function readFile(file: JsonRecord): InboundAttachment {
  const content = stringOf(file["data"]) ?? "";
  return inboundAttachment(
    { filename: stringOf(file["filename"]), contentType: stringOf(file["content_type"]) ?? "" },
    () => bytesOfBase64(content) ?? new Uint8Array(),
  );
}
