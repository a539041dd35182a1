import { encodeBase64 } from "../bytes/base64.js";
import { parameter } from "../webhooks/multipart.js";
import { joinBytes } from "../webhooks/signature.js";

/**
 * The MIME parser reads lines and ends each with a line feed, so files that did not come as base64 would lose their carriage
 * returns and gain a line at their end. Such parts are put into base64 before they reach it.
 */

/** A file that is not in base64, as places in the mail. */
interface Part {
  /** The headers from their first line to the empty one, which is not theirs. */
  readonly start: number;
  readonly headers: string;
  readonly bodyStart: number;
  /** Before the line end that belongs to the boundary (RFC 2046 section 5.1.1). */
  readonly bodyEnd: number;
}

const [LF, CR, DASH, EQUALS, SPACE, TAB] = [10, 13, 45, 61, 32, 9];
/** Boundaries open at once: the parser goes no deeper either. */
const MAX_DEPTH = 100;

/** The same mail, its files in base64. What is not understood is left as it is. */
export function keepExactBytes(mime: Uint8Array): Uint8Array {
  const parts = findFiles(mime);
  if (parts.length === 0) return mime;
  const pieces: (string | Uint8Array)[] = [];
  let at = 0;
  for (const { start, headers, bodyStart, bodyEnd } of parts) {
    const bytes = decode(mime.subarray(bodyStart, bodyEnd), encodingOf(headers));
    pieces.push(
      mime.subarray(at, start),
      withoutEncoding(headers),
      "Content-Transfer-Encoding: base64\r\n\r\n",
    );
    pieces.push(encodeBase64(bytes).replace(/.{1,76}/g, "$&\r\n"));
    at = bodyEnd;
  }
  return joinBytes(...pieces, mime.subarray(at));
}

/** Walks the lines of a mail once, with the boundaries that are open. */
function findFiles(mime: Uint8Array): readonly Part[] {
  const files: Part[] = [];
  const boundaries: Uint8Array[] = [];
  let at = 0;
  // The mail's own headers are shown to the user, so they are not touched.
  let isRoot = true;
  while (at < mime.length) {
    const start = at;
    at = skipHeaders(mime, at);
    const headers = new TextDecoder().decode(mime.subarray(start, at));
    const bodyStart = skipLine(mime, at);
    at = bodyStart;
    const boundary = boundaryOf(headers);
    if (boundary !== undefined && boundaries.length < MAX_DEPTH) boundaries.push(boundary);
    if (boundaries.length === 0) return files;
    let bodyEnd = mime.length;
    // To the next part: past closing boundaries, and what stands between them.
    for (let isOpen = false; !isOpen && at < mime.length; ) {
      const line = at;
      at = skipLine(mime, at);
      const found = delimiterAt(mime, line, boundaries);
      if (!found) continue;
      bodyEnd = Math.min(bodyEnd, endOfLineBefore(mime, line, bodyStart));
      boundaries.length = found.isLast ? found.index : found.index + 1;
      if (boundaries.length === 0) at = mime.length;
      isOpen = !found.isLast;
    }
    const isLeaf = boundary === undefined;
    if (!isRoot && isLeaf && isFile(headers)) files.push({ start, headers, bodyStart, bodyEnd });
    isRoot = false;
  }
  return files;
}

/** Where the empty line begins that ends the headers, or the mail's end. */
function skipHeaders(mime: Uint8Array, from: number): number {
  let at = from;
  while (at < mime.length && mime[at] !== LF && !(mime[at] === CR && mime[at + 1] === LF))
    at = skipLine(mime, at);
  return at;
}

function skipLine(mime: Uint8Array, from: number): number {
  const end = mime.indexOf(LF, from);
  return end < 0 ? mime.length : end + 1;
}

function endOfLineBefore(mime: Uint8Array, line: number, least: number): number {
  let end = line;
  if (mime[end - 1] === LF) end--;
  if (mime[end - 1] === CR) end--;
  return Math.max(end, least);
}

/** The innermost boundary whose delimiter a line is. */
function delimiterAt(
  mime: Uint8Array,
  line: number,
  boundaries: readonly Uint8Array[],
): { readonly index: number; readonly isLast: boolean } | undefined {
  if (mime[line] !== DASH || mime[line + 1] !== DASH) return undefined;
  for (let index = boundaries.length - 1; index >= 0; index--) {
    const boundary = boundaries[index] as Uint8Array;
    let at = line + 2;
    if (!boundary.every((byte, offset) => mime[at + offset] === byte)) continue;
    at += boundary.length;
    const isLast = mime[at] === DASH && mime[at + 1] === DASH;
    if (isLast) at += 2;
    while (mime[at] === SPACE || mime[at] === TAB || mime[at] === CR) at++;
    if (at >= mime.length || mime[at] === LF) return { index, isLast };
  }
  return undefined;
}

/** The first header of a name, unfolded; repeated ones count for nothing. */
function header(headers: string, name: string): string {
  const found = new RegExp(`^${name}[ \\t]*:(.*(?:\\r?\\n[ \\t].*)*)`, "im").exec(headers);
  return found?.[1]?.replace(/\r?\n/g, "").trim() ?? "";
}

function boundaryOf(headers: string): Uint8Array | undefined {
  const type = header(headers, "content-type");
  const boundary = /^multipart\//i.test(type) ? parameter(type, "boundary") : null;
  return boundary ? new TextEncoder().encode(boundary) : undefined;
}

function encodingOf(headers: string): string {
  return (/^[\w-]+/.exec(header(headers, "content-transfer-encoding"))?.[0] ?? "7bit").toLowerCase();
}

/** Whether the parser makes a file of a part, and its bytes are not in base64. */
function isFile(headers: string): boolean {
  if (!/^(?:7bit|8bit|binary|quoted-printable)$/.test(encodingOf(headers))) return false;
  if (/^attachment\b/i.test(header(headers, "content-disposition"))) return true;
  const type = header(headers, "content-type").toLowerCase();
  return type !== "" && !/^(?:text\/(?:plain|html)|multipart\/.*)(?:[\s;]|$)/.test(type);
}

/** Headers without the one of the encoding. */
function withoutEncoding(headers: string): string {
  return headers.replace(/^content-transfer-encoding[ \t]*:.*(?:\r?\n[ \t].*)*\r?\n?/gim, "");
}

function decode(body: Uint8Array, encoding: string): Uint8Array {
  return encoding === "quoted-printable" ? decodeQuotedPrintable(body) : body;
}

/** @see https://www.rfc-editor.org/rfc/rfc2045#section-6.7 */
function decodeQuotedPrintable(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length);
  let length = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] as number;
    if (byte !== EQUALS) {
      bytes[length++] = byte;
      continue;
    }
    const code = hexAt(body, at + 1);
    if (code !== undefined) {
      bytes[length++] = code;
      at += 2;
      continue;
    }
    const end = softBreakAt(body, at + 1);
    if (end === undefined) bytes[length++] = byte;
    else at = end - 1;
  }
  return bytes.subarray(0, length);
}

function hexAt(body: Uint8Array, at: number): number | undefined {
  const digits = String.fromCharCode(...body.subarray(at, at + 2));
  return /^[0-9a-f]{2}$/i.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

/** Behind the line end of a soft line break, white space before it counting for nothing. */
function softBreakAt(body: Uint8Array, from: number): number | undefined {
  let at = from;
  while (body[at] === SPACE || body[at] === TAB) at++;
  if (body[at] === CR) at++;
  if (at >= body.length) return at;
  return body[at] === LF ? at + 1 : undefined;
}
