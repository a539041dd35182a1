import { type Address, formatAddress } from "@posthorn/core";
import {
  chunk,
  compact,
  encodeWords,
  extensionOfType,
  forRecipient,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  typeOfName,
} from "@posthorn/core/provider";

/** Messages of one request to the batch endpoint. https://resend.com/docs/api-reference/emails/send-batch-emails */
const BATCH_LIMIT = 100;

/** One request: a message to all recipients together, or a batch with one message each. */
export type ResendRequest =
  | { readonly batch: false; readonly body: JsonRecord; readonly to: readonly Address[] }
  | { readonly batch: true; readonly body: readonly JsonRecord[]; readonly to: readonly Address[] };

/**
 * The requests that a message becomes.
 *
 * @see https://resend.com/docs/api-reference/emails/send-email
 */
export function buildPayloads(
  message: NormalizedMessage,
  report: ReportUnsupported,
): readonly ResendRequest[] {
  if (message.templateId === undefined) {
    const values = [message.mergeGlobalData, ...Object.values(message.mergeData ?? {})];
    if (values.some((value) => Object.keys(value ?? {}).length > 0)) {
      report(message.mergeData ? "mergeData" : "mergeGlobalData", "merge data without a template");
    }
  }
  if (!message.isBatch)
    return [{ batch: false, body: buildMail(message, message.to, report), to: message.to }];
  return chunk(message.to, BATCH_LIMIT).map((to) => ({
    batch: true,
    body: to.map((address) => buildMail(forRecipient(message, address), [address], report)),
    to,
  }));
}

function buildMail(
  message: NormalizedMessage,
  to: readonly Address[],
  report: ReportUnsupported,
): JsonRecord {
  const hasTemplate = message.templateId !== undefined;
  const [from] = message.from;
  const { attachments, ...extra } = message.espExtra;
  return {
    // A template can have a sender of its own.
    from: from && format(from),
    to: to.map(format),
    cc: nonEmpty(message.cc.map(format)),
    bcc: nonEmpty(message.bcc.map(format)),
    reply_to: nonEmpty(message.replyTo.map(format)),
    // Required, unless a template has them.
    subject: message.subject ?? (hasTemplate ? undefined : ""),
    text: message.text ?? (hasTemplate || message.html !== undefined ? undefined : ""),
    html: message.html,
    headers: headers(message),
    // Files that Resend is to fetch (`path`) are the caller's own, beside those of the message.
    attachments: nonEmpty([...files(message, report), ...(Array.isArray(attachments) ? attachments : [])]),
    scheduled_at: message.sendAt?.iso,
    template: hasTemplate
      ? { id: String(message.templateId), variables: compact(message.mergeGlobalData) }
      : undefined,
    ...extra,
  };
}

/** Resend misreads a name that is both quoted and beyond ASCII, so such a name is sent as encoded words. */
function format(address: Address): string {
  const plain = formatAddress(address);
  if (!plain.startsWith('"')) return plain;
  return formatAddress({ ...address, name: encodeWords(address.name) });
}

/** Resend's own tags are pairs of names and values in ASCII, so tags and metadata are sent as headers. */
function headers(message: NormalizedMessage): JsonRecord | undefined {
  const all: JsonRecord = Object.fromEntries(message.headers.map(([name, value]) => [name, String(value)]));
  if (message.tags.length > 0) all["X-Tags"] = JSON.stringify(message.tags);
  if (compact(message.metadata)) all["X-Metadata"] = JSON.stringify(message.metadata);
  return Object.keys(all).length > 0 ? all : undefined;
}

/** Resend takes a file's type from its extension, so the two must agree. */
function files(message: NormalizedMessage, report: ReportUnsupported): JsonRecord[] {
  return message.attachments.map(({ filename, mimeType, contentType, content, contentId }) => {
    const extension = extensionOfType(mimeType);
    if (filename === undefined && extension === undefined) {
      report("attachments", `unnamed attachments of type ${mimeType}`);
    }
    const expected = filename === undefined ? undefined : typeOfName(filename);
    if (expected !== undefined && expected !== mimeType) {
      report("attachments", `attachments of type ${mimeType} with the name "${filename}"`);
    }
    return {
      filename: filename ?? `attachment.${extension ?? "bin"}`,
      content: content.base64(),
      content_type: contentType,
      content_id: contentId,
    };
  });
}
