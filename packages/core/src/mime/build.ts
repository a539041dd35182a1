import { encodeBase64String } from "../bytes/base64.js";
import { encodeWords } from "../bytes/encoded-word.js";
import { type Address, formatAddress } from "../message/address.js";
import type { Attachment } from "../message/attachment.js";
import type { NormalizedMessage } from "../message/normalize.js";
import { type MimeText, wrap } from "./base64.js";

/** A MIME entity: its header lines and its body, in ASCII with CRLF. */
interface Entity {
  readonly headers: readonly string[];
  readonly body: MimeText;
}

/**
 * A message in MIME (RFC 5322, RFC 2045, RFC 2046): text, AMP and HTML as alternatives, inline files beside the HTML
 * that refers to them, attachments beside all of that. Everything is encoded, so that the whole is ASCII. Without `Date` and
 * `Message-ID`, unless they are among `headers`: some providers add them.
 *
 * @param headers further headers, after the message's own
 */
export function buildMime(
  message: NormalizedMessage,
  headers: readonly (readonly [string, string])[],
): MimeText {
  const content = multipart("mixed", [alternatives(message, files(message, true)), ...files(message, false)]);
  const top = [
    addressLine("From", message.from.slice(0, 1)),
    ...(message.to.length > 0 ? [addressLine("To", message.to)] : []),
    ...(message.cc.length > 0 ? [addressLine("Cc", message.cc)] : []),
    ...(message.replyTo.length > 0 ? [addressLine("Reply-To", message.replyTo)] : []),
    textLine("Subject", message.subject ?? ""),
    ...headers.map(([name, value]) => textLine(name, value)),
    "MIME-Version: 1.0",
  ];
  return write({ headers: [...top, ...content.headers], body: content.body });
}

/** The bodies from the plainest to the richest (RFC 2046 section 5.1.4); HTML last, for readers that know no AMP. */
function alternatives(message: NormalizedMessage, inline: readonly Entity[]): Entity {
  const parts: Entity[] = [];
  if (message.text !== undefined || (message.html === undefined && message.amp === undefined)) {
    parts.push(textPart("text/plain", message.text ?? ""));
  }
  for (const { contentType, content } of message.alternatives) parts.push(textPart(contentType, content));
  if (message.amp !== undefined) parts.push(textPart("text/x-amp-html", message.amp));
  if (message.html !== undefined)
    parts.push(multipart("related", [textPart("text/html", message.html), ...inline]));
  const body = multipart("alternative", parts);
  // Without HTML nothing refers to the inline files, yet they must not be lost.
  return message.html === undefined ? multipart("related", [body, ...inline]) : body;
}

/** A part alone stays as it is. */
function multipart(kind: "mixed" | "alternative" | "related", parts: readonly Entity[]): Entity {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const boundary = `=_${crypto.randomUUID()}`;
  const body = [...parts.flatMap((part) => [`--${boundary}\r\n`, ...write(part)]), `--${boundary}--\r\n`];
  return { headers: [`Content-Type: multipart/${kind};\r\n boundary="${boundary}"`], body };
}

function textPart(type: string, text: string): Entity {
  return {
    headers: [`Content-Type: ${type}; charset=utf-8`, "Content-Transfer-Encoding: base64"],
    body: [wrap(encodeBase64String(text.replace(/\r?\n/g, "\r\n")))],
  };
}

function files(message: NormalizedMessage, inline: boolean): Entity[] {
  return message.attachments.filter((attachment) => attachment.inline === inline).map(filePart);
}

function filePart({ filename, content, contentType, contentId, inline }: Attachment): Entity {
  const base64 = content.base64();
  return {
    headers: [
      `Content-Type: ${contentType}`,
      "Content-Transfer-Encoding: base64",
      `Content-Disposition: ${inline ? "inline" : "attachment"}${filename === undefined ? "" : parameter("filename", filename)}`,
      ...(contentId === undefined ? [] : [`Content-ID: <${contentId}>`]),
    ],
    body: [typeof base64 === "string" ? wrap(base64) : base64],
  };
}

/** A parameter of a header; beyond ASCII in the form of RFC 2231. */
function parameter(name: string, value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return `;\r\n ${name}="${value.replace(/(["\\])/g, "\\$1")}"`;
  const encoded = encodeURIComponent(value).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `;\r\n ${name}*=utf-8''${encoded}`;
}

function addressLine(name: string, addresses: readonly Address[]): string {
  return `${name}: ${addresses.map(encodedAddress).join(",\r\n ")}`;
}

/** An address whose name is ASCII, by encoded words where need be. */
export function encodedAddress(address: Address): string {
  const name = encodeWords(address.name);
  // Encoded words must not stand in quotes (RFC 2047 section 5).
  return name === address.name ? formatAddress(address) : `${name} <${address.email}>`;
}

/** A header, folded at spaces (RFC 5322 section 2.2.3). */
function textLine(name: string, value: string): string {
  const lines: string[] = [];
  let line = `${name}:`;
  for (const word of encodeWords(value).split(" ")) {
    if (line.length + word.length > 76 && line !== `${name}:`) {
      lines.push(line);
      line = "";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\r\n");
}

function write({ headers, body }: Entity): MimeText {
  return [`${headers.join("\r\n")}\r\n\r\n`, ...body];
}
