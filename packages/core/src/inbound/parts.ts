import { WebhookRequestError } from "../errors.js";
import { lineFeedAt } from "../webhooks/multipart.js";
import { parseStructured, type StructuredValue, withoutComments } from "../webhooks/parameters.js";
import { decodeText } from "./charset.js";
import type { InboundHeaders } from "./message.js";

/**
 * Takes a message apart into its parts (RFC 2046 section 5.1), in time that grows with its size alone, and in slices, so
 * that the event loop does other work in between. Nothing is decoded yet.
 */

/** A part that holds no others. */
export interface MimeLeaf {
  readonly headers: InboundHeaders;
  readonly type: StructuredValue;
  readonly disposition: StructuredValue;
  /** Content transfer encoding, in lower case. */
  readonly encoding: string;
  readonly body: Uint8Array;
  /** Whether it is the whole message. */
  readonly isRoot: boolean;
  /** The closest `multipart/alternative` around it, as a number of its own; -1 where there is none. */
  readonly alternative: number;
}

/** The parts of a message, in order. */
export interface MimeParts {
  /** The message's own headers, not decoded. */
  readonly headers: InboundHeaders;
  readonly isMultipart: boolean;
  readonly leaves: readonly MimeLeaf[];
}

/** How deep parts may nest, how many there may be, and how many bytes of headers: a message with more was made to do harm. */
const MAX_DEPTH = 100;
const MAX_PARTS = 10_000;
const MAX_HEADERS = 2_000_000;
/** Lines that are read before the event loop has its turn: some milliseconds. */
const LINES_AT_ONCE = 25_000;

/** RFC 2046 allows 70 characters, and no line is longer than this (RFC 5322 section 2.1.1). */
const MAX_BOUNDARY = 998;

const [LF, CR, DASH, SPACE, TAB, COLON] = [10, 13, 45, 32, 9, 58];
const PLAIN_TEXT: StructuredValue = { value: "text/plain", parameters: new Map() };
const EMBEDDED_MESSAGE: StructuredValue = { value: "message/rfc822", parameters: new Map() };
const utf8 = new TextDecoder();

/** A line that ends a part. */
interface Delimiter {
  /** The multipart that it belongs to. */
  readonly index: number;
  readonly isLast: boolean;
  /** Before the line end that belongs to the delimiter. */
  readonly bodyEnd: number;
}

/** A multipart that is not closed yet. */
interface Open {
  readonly boundary: string;
  readonly part: PartHead;
  readonly bodyStart: number;
  /** Whether its boundary came at least once. */
  hasParts: boolean;
}

interface PartHead extends Omit<MimeLeaf, "body"> {
  /** The boundary, where it is a multipart that names one. */
  readonly boundary: string | undefined;
}

/** @throws WebhookRequestError (400) for a message beyond the limits */
export function readParts(mime: Uint8Array): Promise<MimeParts> {
  return new PartReader(withoutPreface(mime)).read();
}

class PartReader {
  readonly #mime: Uint8Array;
  #at = 0;
  #lines = 0;
  #headerBytes = 0;
  #alternatives = 0;
  readonly #open: Open[] = [];
  /** The place in `#open` of each boundary, the innermost of those that are the same. */
  #boundaries = new Map<string, number>();
  readonly #leaves: MimeLeaf[] = [];

  constructor(mime: Uint8Array) {
    this.#mime = mime;
  }

  async read(): Promise<MimeParts> {
    const root = await this.#readHead();
    let head: PartHead = root;
    for (;;) {
      const bodyStart = this.#at;
      if (head.boundary !== undefined) this.#push(head, head.boundary, bodyStart);
      let found = await this.#skipToDelimiter();
      if (head.boundary === undefined) this.#addLeaf(head, bodyStart, found?.bodyEnd ?? this.#mime.length);
      // Past closing delimiters, and what stands between them, to the next that opens a part.
      while (found) {
        this.#close(found.index + 1, found.bodyEnd);
        if (!found.isLast) break;
        this.#close(found.index, found.bodyEnd);
        found = await this.#skipToDelimiter();
      }
      if (!found) break;
      (this.#open[found.index] as Open).hasParts = true;
      head = await this.#readHead();
    }
    this.#close(0, this.#mime.length);
    return { headers: root.headers, isMultipart: root.boundary !== undefined, leaves: this.#leaves };
  }

  #push(part: PartHead, boundary: string, bodyStart: number): void {
    if (this.#open.length >= MAX_DEPTH) throw tooMuch(`parts nest deeper than ${MAX_DEPTH}`);
    this.#boundaries.set(boundary, this.#open.length);
    this.#open.push({ boundary, part, bodyStart, hasParts: false });
  }

  /** Closes the multiparts from an index on. One whose boundary never came is text: else its whole content would be lost. */
  #close(index: number, bodyEnd: number): void {
    if (this.#open.length <= index) return;
    for (const { part, bodyStart, hasParts } of this.#open.splice(index)) {
      if (!hasParts) this.#addLeaf({ ...part, type: PLAIN_TEXT }, bodyStart, bodyEnd);
    }
    this.#boundaries = new Map(this.#open.map(({ boundary }, at) => [boundary, at]));
  }

  #addLeaf({ boundary: _, ...head }: PartHead, start: number, end: number): void {
    if (this.#leaves.length >= MAX_PARTS) throw tooMuch(`it has more than ${MAX_PARTS} parts`);
    this.#leaves.push({ ...head, body: this.#mime.subarray(start, Math.max(start, end)) });
  }

  /** Reads lines up to and with the next delimiter of an open multipart; `undefined` where the message ends before. */
  async #skipToDelimiter(): Promise<Delimiter | undefined> {
    const start = this.#at;
    while (this.#open.length > 0 && this.#at < this.#mime.length) {
      const line = this.#at;
      this.#at = skipLine(this.#mime, line);
      if (++this.#lines % LINES_AT_ONCE === 0) await breathe();
      const found = this.#delimiterAt(line, this.#at);
      if (found) return { ...found, bodyEnd: endOfLineBefore(this.#mime, line, start) };
    }
    this.#at = this.#mime.length;
    return undefined;
  }

  /** The innermost multipart whose delimiter a line is. */
  #delimiterAt(line: number, next: number): Omit<Delimiter, "bodyEnd"> | undefined {
    const mime = this.#mime;
    if (!startsWithDashes(mime, line)) return undefined;
    let end = next;
    while (end > line && isBlank(mime[end - 1])) end--;
    const length = end - line - 2;
    if (length <= 0 || length > MAX_BOUNDARY + 2) return undefined;
    const content = utf8.decode(mime.subarray(line + 2, end));
    const index = this.#boundaries.get(content);
    if (index !== undefined) return { index, isLast: false };
    const last = content.endsWith("--") ? this.#boundaries.get(content.slice(0, -2)) : undefined;
    return last === undefined ? undefined : { index: last, isLast: true };
  }

  /** Reads the headers of a part. They end at an empty line, and also where a line is none of a header. */
  async #readHead(): Promise<PartHead> {
    const mime = this.#mime;
    const headers: [name: string, value: string[]][] = [];
    while (this.#at < mime.length) {
      const line = this.#at;
      const next = skipLine(mime, line);
      if (++this.#lines % LINES_AT_ONCE === 0) await breathe();
      const folded = headers.length > 0 && isSpace(mime[line]);
      if (
        isEmptyLine(mime, line) ||
        (isBlankLine(mime, line) && !isSpace(mime[next]) && !isHeaderLine(mime, next))
      ) {
        this.#at = next;
        break;
      }
      if (folded || isHeaderLine(mime, line)) {
        this.#headerBytes += next - line;
        if (this.#headerBytes > MAX_HEADERS)
          throw tooMuch(`its headers are longer than ${MAX_HEADERS} bytes`);
        const text = decodeText(mime.subarray(line, endOfLineBefore(mime, next, line)));
        const colon = folded ? -1 : text.indexOf(":");
        if (folded) headers.at(-1)?.[1].push(text);
        else headers.push([text.slice(0, colon).trim(), [text.slice(colon + 1)]]);
      } else if (startsWithDashes(mime, line) || !isKnownHeader(mime, next)) {
        break;
      }
      // A line that is no header, in the middle of headers, is left out.
      this.#at = next;
    }
    return this.#headOf(headers.map(([name, value]) => [name, value.join("").trim()] as const));
  }

  #headOf(headers: InboundHeaders): PartHead {
    const parent = this.#open.at(-1)?.part;
    const isRoot = parent === undefined && this.#leaves.length === 0;
    const first = (name: string): string | undefined =>
      headers.find(([key]) => key.toLowerCase() === name)?.[1];
    const disposition = parseStructured(first("content-disposition") ?? "", decodeText);
    const declared = first("content-type");
    const isDigest = parent?.type.value === "multipart/digest";
    const type =
      declared === undefined ? (isDigest ? EMBEDDED_MESSAGE : PLAIN_TEXT) : typeOf(declared, disposition);
    const isMultipart = type.value.startsWith("multipart/");
    const boundary = isMultipart ? (type.parameters.get("boundary")?.trimEnd() ?? "") : "";
    const alternative =
      type.value === "multipart/alternative" ? this.#alternatives++ : (parent?.alternative ?? -1);
    return {
      headers,
      type: isMultipart && boundary === "" ? PLAIN_TEXT : type,
      disposition,
      encoding: encodingOf(first("content-transfer-encoding") ?? ""),
      isRoot,
      alternative,
      boundary: boundary === "" ? undefined : boundary,
    };
  }
}

/** The media type of a part (RFC 2045 section 5.2): what is none counts as text, or as bytes where it is a file. */
function typeOf(header: string, disposition: StructuredValue): StructuredValue {
  // Some programs leave out the semicolon before the first parameter.
  const parsed = parseStructured(
    header
      .replace(/^(\s*[\w.+-]+\/[\w.+-]+)[ \t]+(?=[\w*-]+[ \t]*=)/, "$1; ")
      // A boundary has no parentheses unless it is in quotes, so this is a comment.
      .replace(/(boundary[ \t]{0,9}=[ \t]{0,9}[^\s";(]{1,70})\(/i, "$1 ("),
    decodeText,
  );
  if (/^[^\s/]+\/[^\s/]+$/.test(parsed.value)) return parsed;
  const isFile =
    disposition.value === "attachment" ||
    disposition.parameters.has("filename") ||
    parsed.parameters.has("name");
  const value =
    parsed.value === "html"
      ? "text/html"
      : isFile && parsed.value !== "text"
        ? "application/octet-stream"
        : "text/plain";
  return { ...parsed, value };
}

function encodingOf(header: string): string {
  const encoding = /[\w-]+/.exec(withoutComments(header).toLowerCase())?.[0] ?? "";
  if (encoding.includes("base64")) return "base64";
  return encoding.includes("quoted") ? "quoted-printable" : encoding;
}

/** A message without what mailboxes and programs put before it: a byte order mark, empty lines, the `From ` line of mbox. */
function withoutPreface(mime: Uint8Array): Uint8Array {
  const bytes = mime.includes(LF) ? mime : mime.map((byte) => (byte === CR ? LF : byte));
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let header = at;
  while (header < bytes.length && isEmptyLine(bytes, header)) header = skipLine(bytes, header);
  if (isKnownHeader(bytes, header)) at = header;
  if (/^>?From /.test(utf8.decode(bytes.subarray(at, at + 6)))) at = skipLine(bytes, at);
  return bytes.subarray(at);
}

function skipLine(mime: Uint8Array, from: number): number {
  const end = lineFeedAt(mime, from);
  return end < 0 ? mime.length : end + 1;
}

/** Before the line end that stands before a place. */
function endOfLineBefore(mime: Uint8Array, place: number, least: number): number {
  let end = place;
  if (mime[end - 1] === LF) end--;
  if (mime[end - 1] === CR) end--;
  return Math.max(end, least);
}

function isEmptyLine(mime: Uint8Array, at: number): boolean {
  return mime[at] === LF || (mime[at] === CR && mime[at + 1] === LF);
}

/** Whether a line is white space alone. */
function isBlankLine(mime: Uint8Array, from: number): boolean {
  let at = from;
  while (isSpace(mime[at])) at++;
  return isEmptyLine(mime, at);
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === CR || byte === LF;
}

function startsWithDashes(mime: Uint8Array, at: number): boolean {
  return mime[at] === DASH && mime[at + 1] === DASH;
}

/** Whether a line begins with the name of a header: visible ASCII and a colon (RFC 5322 section 2.2). */
function isHeaderLine(mime: Uint8Array, from: number): boolean {
  let at = from;
  while (at < mime.length && (mime[at] as number) > 32 && (mime[at] as number) < 127 && mime[at] !== COLON)
    at++;
  if (at === from) return false;
  while (isSpace(mime[at])) at++;
  return mime[at] === COLON;
}

/** Whether a line is a header that every message has, or every part. */
function isKnownHeader(mime: Uint8Array, at: number): boolean {
  return KNOWN.test(utf8.decode(mime.subarray(at, at + 40)));
}

const KNOWN =
  /^(?:content-[a-z-]{2,20}|mime-version|from|to|cc|subject|date|message-id|received|return-path|reply-to|sender|dkim-signature)[ \t]*:/i;

/** Lets the event loop do other work. */
export function breathe(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  return new Promise((resolve) => void (setImmediate ? setImmediate(resolve) : setTimeout(resolve, 0)));
}

function tooMuch(why: string): WebhookRequestError {
  return new WebhookRequestError(`the message cannot be read: ${why}`, { status: 400 });
}
