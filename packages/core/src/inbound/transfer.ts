import { hexDigit } from "../webhooks/parameters.js";

/** Content transfer encodings (RFC 2045 section 6), read as mail that is not quite right has to be. */

const [LF, CR, EQUALS, SPACE, TAB] = [10, 13, 61, 32, 9];

/** The value of each byte as a base64 digit; 64 for the padding, 255 for what is none. */
const DIGITS = new Uint8Array(256).fill(255);
for (const [value, digit] of [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",
].entries())
  DIGITS[digit.charCodeAt(0)] = value;

/** The bytes of a body. One in an unknown encoding is left as it is (RFC 2045 section 6.4). */
export function decodeTransfer(body: Uint8Array, encoding: string): Uint8Array<ArrayBuffer> {
  if (encoding === "base64") return decodeLooseBase64(body);
  if (encoding === "quoted-printable") return decodeQuotedPrintable(body);
  if (/^(?:x-)?uu(?:e|encode)?$/.test(encoding)) return decodeUuencode(body);
  return body as Uint8Array<ArrayBuffer>;
}

/** Base64 with anything between its digits. Padding ends a unit, since some programs pad each line. */
export function decodeLooseBase64(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil((body.length * 3) / 4) + 3);
  let length = 0;
  let bits = 0;
  let digits = 0;
  for (let at = 0; at < body.length; at++) {
    const digit = DIGITS[body[at] as number] as number;
    if (digit === 255) continue;
    if (digit < 64) {
      bits = (bits << 6) | digit;
      if (++digits < 4) continue;
      bytes[length++] = bits >> 16;
      bytes[length++] = bits >> 8;
      bytes[length++] = bits;
    } else {
      length = endUnit(bytes, length, bits, digits);
    }
    bits = 0;
    digits = 0;
  }
  return bytes.subarray(0, endUnit(bytes, length, bits, digits));
}

/** Writes what a unit of fewer than four digits holds. */
function endUnit(bytes: Uint8Array, length: number, bits: number, digits: number): number {
  if (digits < 2) return length;
  bytes[length] = digits === 2 ? bits >> 4 : bits >> 10;
  if (digits === 2) return length + 1;
  bytes[length + 1] = bits >> 2;
  return length + 2;
}

/** @see https://www.rfc-editor.org/rfc/rfc2045#section-6.7 */
function decodeQuotedPrintable(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(body.length);
  let length = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] as number;
    if (byte !== EQUALS) {
      bytes[length++] = byte;
      continue;
    }
    const high = hexDigit(body[at + 1]);
    const low = high < 0 ? -1 : hexDigit(body[at + 2]);
    if (low >= 0) {
      bytes[length++] = high * 16 + low;
      at += 2;
      continue;
    }
    const end = softBreakAt(body, at + 1);
    if (end === undefined) bytes[length++] = byte;
    else at = end - 1;
  }
  return bytes.subarray(0, length);
}

/** Behind the line end of a soft line break, white space before it counting for nothing. */
function softBreakAt(body: Uint8Array, from: number): number | undefined {
  let at = from;
  while (body[at] === SPACE || body[at] === TAB) at++;
  if (body[at] === CR) at++;
  if (at >= body.length) return at;
  return body[at] === LF ? at + 1 : undefined;
}

/** Unix's uuencode: lines of a length and up to 45 bytes, between `begin` and `end`. */
function decodeUuencode(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(body.length);
  let length = 0;
  let isWithin = false;
  for (let at = 0; at < body.length; ) {
    const start = at;
    const end = body.indexOf(LF, at);
    at = end < 0 ? body.length : end + 1;
    if (!isWithin) {
      isWithin = startsWith(body, start, "begin ");
      continue;
    }
    const count = ((body[start] as number) - 32) & 63;
    if (count === 0 || startsWith(body, start, "end")) break;
    const lineEnd = length + count;
    for (let from = start + 1; length < lineEnd && length < bytes.length; from += 4) {
      const digit = (offset: number): number => ((body[from + offset] ?? 32) - 32) & 63;
      const bits = (digit(0) << 18) | (digit(1) << 12) | (digit(2) << 6) | digit(3);
      for (let shift = 16; shift >= 0 && length < lineEnd; shift -= 8) bytes[length++] = bits >> shift;
    }
  }
  return bytes.subarray(0, length);
}

/** The file name that stands in the first line of uuencode. */
export function uuencodeName(body: Uint8Array): string | undefined {
  const start = new TextDecoder().decode(body.subarray(0, 1000));
  return /^begin \d{3,4} (.+)$/m.exec(start)?.[1]?.trim();
}

function startsWith(body: Uint8Array, at: number, text: string): boolean {
  for (let offset = 0; offset < text.length; offset++) {
    if (body[at + offset] !== text.charCodeAt(offset)) return false;
  }
  return true;
}
