import { encodeBase64String } from "../bytes/base64.js";
import { ByteChunks } from "../bytes/chunks.js";
import { readPieces } from "../bytes/pieces.js";
import { InvalidMessageError } from "../errors.js";
import { type Address, formatAddress, parseAddressList } from "../message/address.js";
import type { Attachment } from "../message/attachment.js";
import { type JsonString, LargeString } from "../message/content.js";
import type { NormalizedMessage } from "../message/normalize.js";

/** ASCII in pieces. A {@link LargeString} among them is base64 without line breaks, wrapped only when it is written. */
export type MimeText = readonly JsonString[];

/** Name and value of headers, in order. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** A MIME entity: its header lines and its body, in ASCII with CRLF. */
interface Entity {
  readonly headers: readonly string[];
  readonly body: MimeText;
}

/** Columns of a line: of base64 (RFC 2045 section 6.8), and of one that has encoded words (RFC 2047 section 2). */
const COLUMNS = 76;
/** Longest run of characters that is written without a break. A line must not exceed 998 (RFC 5322 section 2.1.1). */
const UNBROKEN = 900;
const PRINTABLE = /^[\t\x20-\x7e]*$/;
const utf8 = new TextEncoder();

/**
 * A message in MIME (RFC 5322, RFC 2045, RFC 2046): text, AMP and HTML as alternatives, inline files beside the HTML
 * that refers to them, attachments beside all of that. Everything is encoded, so that the whole is ASCII. Without `Date` and
 * `Message-ID`, unless they are among `headers`: some providers add them.
 *
 * @param headers further headers, written after the message's own
 */
export function buildMime(message: NormalizedMessage, headers: HeaderLines): MimeText {
  const content = multipart("mixed", [alternatives(message, files(message, true)), ...files(message, false)]);
  const top = [
    ...[
      ["From", message.from.slice(0, 1)] as const,
      ["To", message.to] as const,
      ["Cc", message.cc] as const,
      ["Reply-To", message.replyTo] as const,
    ].flatMap(([name, addresses]) => (addresses.length > 0 ? [addressLine(name, addresses)] : [])),
    textLine("Subject", message.subject ?? ""),
    ...headers.map(([name, value]) => headerLine(name, value)),
    "MIME-Version: 1.0",
  ];
  return write({ headers: [...top, ...content.headers], body: content.body });
}

/** The bodies from the plainest to the richest (RFC 2046 section 5.1.4); HTML last, for clients without AMP. */
function alternatives(message: NormalizedMessage, inline: readonly Entity[]): Entity {
  const parts: Entity[] = [];
  if (message.text !== undefined || (message.html === undefined && message.amp === undefined)) {
    parts.push(textPart("text/plain", message.text ?? ""));
  }
  for (const { contentType, content } of message.alternatives) parts.push(textPart(contentType, content));
  const { amp, html } = message;
  if (amp !== undefined) parts.push(textPart("text/x-amp-html", withSafeIds(message, amp)));
  if (html !== undefined)
    parts.push(multipart("related", [textPart("text/html", withSafeIds(message, html)), ...inline]));
  const body = multipart("alternative", parts);
  // Without HTML nothing refers to the inline files, yet they must not be lost.
  return html === undefined ? multipart("related", [body, ...inline]) : body;
}

/** A single part needs no multipart around it. */
function multipart(kind: "mixed" | "alternative" | "related", parts: readonly Entity[]): Entity {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const boundary = `=_${crypto.randomUUID()}`;
  const body = [...parts.flatMap((part) => [`--${boundary}\r\n`, ...write(part)]), `--${boundary}--\r\n`];
  return { headers: [`Content-Type: multipart/${kind};\r\n boundary="${boundary}"`], body };
}

function textPart(type: string, text: string): Entity {
  return {
    headers: [`${typeLine(type, ["charset"])}; charset=utf-8`, "Content-Transfer-Encoding: base64"],
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
      typeLine(contentType),
      "Content-Transfer-Encoding: base64",
      `Content-Disposition: ${inline ? "inline" : "attachment"}${filename === undefined ? "" : parameter("filename", filename)}`,
      ...(contentId === undefined ? [] : [`Content-ID: <${safeId(contentId)}>`]),
    ],
    body: [typeof base64 === "string" ? wrap(base64) : base64],
  };
}

/** A Content-ID in the characters of RFC 5322 section 3.6.4: the octets of all others as `_C3`. */
function safeId(id: string): string {
  return id.replace(/[^!#-;=?-~]/gu, (character) => octets(character, "_"));
}

/** HTML whose references to inline files follow {@link safeId}, whether their URLs are percent-encoded or not. */
function withSafeIds({ attachments }: NormalizedMessage, html: string): string {
  let result = html;
  for (const { contentId = "" } of attachments) {
    const safe = safeId(contentId);
    if (safe === contentId) continue;
    const encoded = contentId.replace(/[^!-~]/gu, (character) => octets(character, "%"));
    for (const written of [contentId, encoded]) result = result.split(`cid:${written}`).join(`cid:${safe}`);
  }
  return result;
}

/** The Content-Type header, with the parameters of the given type except those left out. */
function typeLine(type: string, leftOut: readonly string[] = []): string {
  const [mimeType = ""] = type.split(";");
  let line = `Content-Type: ${mimeType.trim()}`;
  for (const [, name = "", quoted, plain = ""] of type.matchAll(
    /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g,
  )) {
    if (leftOut.includes(name.toLowerCase())) continue;
    const value = quoted?.replace(/\\(.)/g, "$1") ?? plain.trim();
    // A name with an asterisk is in the form of RFC 2231 already.
    const isPlain = name.includes("*") || /^[\w.+-]{1,40}$/.test(value);
    line += isPlain ? `; ${name}=${value}` : parameter(name, value);
  }
  if (/^[\r\n\t\x20-\x7e]*$/.test(line)) return line;
  throw new InvalidMessageError(`"attachments" must have content types in ASCII: "${type}"`, {
    field: "attachments",
  });
}

/** A parameter of a header: where ASCII or one line is not enough, in the form of RFC 2231. */
function parameter(name: string, value: string): string {
  if (PRINTABLE.test(value) && value.length <= UNBROKEN)
    return `;\r\n ${name}="${value.replace(/["\\]/g, "\\$&")}"`;
  const pieces = [""];
  for (const character of value) {
    const next = /[A-Za-z0-9!#$&+.^_`|~-]/.test(character) ? character : octets(character, "%");
    const last = pieces.length - 1;
    if (`${pieces[last]}${next}`.length > 50) pieces.push(next);
    else pieces[last] += next;
  }
  return pieces
    .map((piece, index) => {
      const section = pieces.length > 1 ? `*${index}` : "";
      return `;\r\n ${name}${section}*=${index === 0 ? "utf-8''" : ""}${piece}`;
    })
    .join("");
}

/** The UTF-8 of a character, each octet as two hexadecimal digits behind a mark. */
function octets(character: string, mark: string): string {
  return Array.from(
    utf8.encode(character),
    (octet) => `${mark}${octet.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

/** Headers that hold addresses, where encoded words are for names only. */
const ADDRESS_HEADER =
  /^(?:sender|errors-to|return-receipt-to|disposition-notification-to|resent-(?:from|sender|to|cc|bcc))$/i;

function headerLine(name: string, value: string): string {
  if (ADDRESS_HEADER.test(name)) return addressLine(name, parseAddressList(value, `headers.${name}`));
  // White space within the URLs of these is ignored (RFC 2369 section 2), and they have no encoded words.
  if (/^list-/i.test(name)) return fold(name, words(value.replace(/[!-~]{800}(?=[!-~])/g, "$& ")));
  return textLine(name, value);
}

/** Characters up to the next place where a line may break, with the white space before them. */
interface Word {
  text: string;
  readonly isEncoded: boolean;
}

/** A header of free text. */
function textLine(name: string, value: string): string {
  return fold(name, words(value, !PRINTABLE.test(value)));
}

function addressLine(name: string, addresses: readonly Address[]): string {
  return fold(
    name,
    addresses.flatMap((address, index) => {
      const end = index < addresses.length - 1 ? "," : "";
      if (address.name === "") return [{ text: ` ${address.email}${end}`, isEncoded: false }];
      const written = formatAddress(address).slice(0, -address.email.length - 3);
      const isQuoted = written.startsWith('"') && PRINTABLE.test(written) && written.length < COLUMNS;
      return [
        ...(isQuoted
          ? [{ text: ` ${written}`, isEncoded: false }]
          : words(` ${address.name}`, written.startsWith('"') || !PRINTABLE.test(written))),
        { text: ` <${address.email}>${end}`, isEncoded: false },
      ];
    }),
  );
}

/** The words of a value. Those beyond ASCII, and those too long for a line, become encoded words, neighbours together. */
function words(value: string, allEncoded = false): Word[] {
  const found: Word[] = [];
  for (const [text] of value.matchAll(/[ \t]*[^ \t]+/g)) {
    const isEncoded = allEncoded || text.length > UNBROKEN || !PRINTABLE.test(text);
    const last = found.at(-1);
    if (isEncoded && last?.isEncoded) last.text += text;
    else found.push({ text, isEncoded });
  }
  return found;
}

/** A header, folded before white space (RFC 5322 section 2.2.3). Each line of it has more than white space. */
function fold(name: string, all: readonly Word[]): string {
  let written = `${name}:`;
  let column = written.length;
  for (const { text, isEncoded } of all) {
    const space = /^[ \t]/.exec(text)?.[0];
    const rest = text.slice(space?.length ?? 0);
    const parts = isEncoded ? encodedWords(rest, column) : [rest];
    for (const [index, part] of parts.entries()) {
      const next = `${index === 0 ? (space ?? " ") : " "}${part}`;
      const end = column + next.length;
      // A long first word may stay beside the name, unless it is encoded.
      if (end > COLUMNS && (isEncoded || column > name.length + 1 || end > UNBROKEN)) {
        written += "\r\n";
        column = 0;
      }
      written += next;
      column += next.length;
    }
  }
  // A space after the colon, though nothing follows.
  return all.length > 0 ? written : `${written} `;
}

/**
 * Encoded words (RFC 2047) of whole characters.
 *
 * @param column where the line stands before the first of them
 */
function encodedWords(text: string, column = 0): string[] {
  const found: string[] = [];
  // Base64 turns 3 octets into 4 characters; `=?utf-8?b?` and `?=` take 12, and the space before them one.
  let most = Math.floor((COLUMNS - column - 13) / 4) * 3;
  // Too little is left of the line: the word will begin the next one.
  if (most < 12) most = 45;
  let piece = "";
  const end = (): void => void found.push(`=?utf-8?b?${encodeBase64String(piece)}?=`);
  for (const character of text) {
    if (utf8.encode(piece + character).length > most) {
      end();
      piece = "";
      most = 45;
    }
    piece += character;
  }
  end();
  return found;
}

/** A header's value in printable ASCII on one line. */
export function encodedValue(value: string): string {
  return words(value.trimStart(), !PRINTABLE.test(value))
    .map(({ text, isEncoded }) => {
      if (!isEncoded) return text.replace(/\t/g, " ");
      return `${/^[ \t]/.test(text) ? " " : ""}${encodedWords(text.replace(/^[ \t]/, "")).join(" ")}`;
    })
    .join("");
}

/** An address whose name is ASCII, by encoded words where necessary. */
export function encodedAddress(address: Address): string {
  if (PRINTABLE.test(address.name)) return formatAddress(address);
  // Encoded words must not stand in quotes (RFC 2047 section 5).
  return `${encodedWords(address.name).join(" ")} <${address.email}>`;
}

function write({ headers, body }: Entity): MimeText {
  return [`${headers.join("\r\n")}\r\n\r\n`, ...body];
}

/** Lines of base64. */
function wrap(base64: string): string {
  return base64.replace(/.{1,76}/g, "$&\r\n");
}

/** Base64 of the whole. */
export async function encodeMime(mime: MimeText): Promise<JsonString> {
  if (mime.every((text) => typeof text === "string")) return encodeBase64String(mime.join(""));
  const encoded: Uint8Array<ArrayBuffer>[] = [];
  let rest = "";
  for await (const text of texts(mime)) {
    rest += text;
    const end = rest.length - (rest.length % 3);
    encoded.push(utf8.encode(encodeBase64String(rest.slice(0, end))));
    rest = rest.slice(end);
  }
  return new LargeString(new ByteChunks([...encoded, utf8.encode(encodeBase64String(rest))]));
}

async function* texts(mime: MimeText): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  for (const text of mime) {
    if (typeof text === "string") {
      yield text;
      continue;
    }
    let rest = "";
    for await (const bytes of readPieces(text.pieces)) {
      rest += decoder.decode(bytes);
      const end = rest.length - (rest.length % COLUMNS);
      yield wrap(rest.slice(0, end));
      rest = rest.slice(end);
    }
    yield wrap(rest);
  }
}
