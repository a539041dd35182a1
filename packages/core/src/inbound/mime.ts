import { parseStructured, type StructuredValue } from "../webhooks/parameters.js";
import { bytesOfBase64 } from "../webhooks/signature.js";
import { listOf, recordOf, stringOf } from "../webhooks/values.js";
import { decodeText } from "./charset.js";
import {
  type InboundAttachment,
  type InboundDetails,
  type InboundHeaders,
  type InboundMessage,
  inboundAttachment,
  inboundMessage,
  noMessage,
  safeFilename,
} from "./message.js";
import { type MimeLeaf, readParts } from "./parts.js";
import { readTexts } from "./text.js";
import { decodeTransfer, uuencodeName } from "./transfer.js";

/**
 * Reads a message. The work is done in slices, so that other work of the process goes on in between; files are decoded
 * when their `blob()` is asked for.
 *
 * @param mime the message as it came (RFC 5322, RFC 2045)
 * @param details what the provider tells beside it
 * @throws WebhookRequestError (400) for one that nests deeper than 100 parts, has more than 10,000 of them, or more than
 * 2 MB of headers
 */
export async function inboundFromMime(
  mime: Uint8Array | string,
  details: InboundDetails = {},
): Promise<InboundMessage> {
  const isUnicode = typeof mime === "string";
  const { headers, leaves } = await readParts(isUnicode ? new TextEncoder().encode(mime) : mime);
  const texts: MimeLeaf[] = [];
  const files: InboundAttachment[] = [];
  for (const leaf of leaves) {
    if (isText(leaf, texts.length > 0)) texts.push(leaf);
    else files.push(fileOf(leaf));
  }
  return inboundMessage({
    ...details,
    headers,
    ...(await readTexts(texts, isUnicode)),
    attachments: files,
    mime: new Blob([mime as BlobPart], { type: "message/rfc822" }),
  });
}

/**
 * The message of a post, which a provider gives as a string.
 *
 * @param isBase64 whether it is in base64
 * @throws WebhookRequestError (500) where there is none: an empty message would be taken for a real one
 */
export function requireMime(provider: string, content: unknown, isBase64 = false): Uint8Array | string {
  const mime = typeof content === "string" && isBase64 ? bytesOfBase64(content) : content;
  if ((typeof mime === "string" && mime.trim() !== "") || (mime instanceof Uint8Array && mime.length > 0))
    return mime;
  throw noMessage(provider);
}

/** Whether a part is text to read, and no file. A text with a file name is one, unless it is all there is to read. */
function isText({ type, disposition, isRoot }: MimeLeaf, hasText: boolean): boolean {
  if (disposition.value === "attachment") return false;
  const isNamed = disposition.parameters.has("filename");
  if (type.value === "text/plain" || type.value === "text/html") return !hasText || !isNamed;
  // An unknown kind of text is plain text (RFC 2046 section 4.1.4), when it is all that there is.
  return (
    isRoot &&
    /^text\/(?:enriched|richtext|(?:x-)?markdown)$/.test(type.value) &&
    !isNamed &&
    !type.parameters.has("name")
  );
}

/** A file's name by its headers: that of the content disposition, or else that of the content type. */
export function filenameOf(contentDisposition: string, contentType: string): string | null {
  return nameOf(parseStructured(contentDisposition, decodeText), parseStructured(contentType, decodeText));
}

function nameOf(disposition: StructuredValue, type: StructuredValue): string | null {
  return safeFilename(disposition.parameters.get("filename")) ?? safeFilename(type.parameters.get("name"));
}

function fileOf({ headers, type, disposition, encoding, body }: MimeLeaf): InboundAttachment {
  const contentId = headers.find(([name]) => name.toLowerCase() === "content-id")?.[1];
  const named = nameOf(disposition, type);
  return inboundAttachment(
    {
      filename: named ?? (encoding.includes("uu") ? (uuencodeName(body) ?? null) : null),
      contentType: type.value,
      contentId: contentId ?? null,
    },
    () => decodeTransfer(body, encoding),
  );
}

/**
 * The headers of a text of header lines, as SendGrid and others post them: folded ones joined, encoded words left as they
 * are.
 */
export async function parseHeaderLines(text: string | Uint8Array): Promise<InboundHeaders> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return (await readParts(bytes)).headers;
}

/** Headers as providers give them in JSON: names with a value, or a list of values where a header is repeated. */
export function headersOfRecord(record: unknown): InboundHeaders {
  return Object.entries(recordOf(record)).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((single: unknown) => headerOf(name, single)),
  );
}

/** Headers as pairs, or as records of `name` and `value` in any case. */
export function headersOfList(list: unknown): InboundHeaders {
  return listOf(list).flatMap((entry) => {
    if (Array.isArray(entry)) return headerOf(entry[0], entry[1]);
    const record = recordOf(entry);
    return headerOf(record["name"] ?? record["Name"], record["value"] ?? record["Value"]);
  });
}

function headerOf(name: unknown, value: unknown): InboundHeaders {
  const text = stringOf(value);
  return typeof name === "string" && text !== null ? [[name, text.replace(/\r?\n(?=[ \t])/g, "")]] : [];
}
