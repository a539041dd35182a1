/**
 * As much of DER (ITU-T X.690) as certificates take. Everything here comes from outside: what is not as it should be
 * throws a `RangeError`.
 */

/** One element. */
export interface DerElement {
  readonly tag: number;
  /** Its content. */
  readonly value: Uint8Array;
  /** The whole of it, tag and length too. */
  readonly bytes: Uint8Array;
}

/** Tags of what is looked for. */
export const TAG = {
  boolean: 1,
  bitString: 3,
  octetString: 4,
  oid: 6,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The elements that bytes hold, one after another. @throws RangeError */
export function readDer(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = readElement(bytes, at);
    elements.push(element);
    at += element.bytes.length;
  }
  return elements;
}

function readElement(bytes: Uint8Array, at: number): DerElement {
  const tag = byteAt(bytes, at);
  let length = byteAt(bytes, at + 1);
  let start = at + 2;
  if (length > 0x80) {
    const digits = length - 0x80;
    // Four digits make 4 GB: no certificate is larger.
    if (digits > 4) throw new RangeError("DER: a length is too long");
    length = 0;
    for (let digit = 0; digit < digits; digit++) length = length * 256 + byteAt(bytes, start++);
  } else if (length === 0x80) {
    throw new RangeError("DER: a length is indefinite");
  }
  const end = start + length;
  if (end > bytes.length) throw new RangeError("DER: an element is longer than what holds it");
  return { tag, value: bytes.subarray(start, end), bytes: bytes.subarray(at, end) };
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError("DER: it ends too early");
  return byte;
}

/** The element at a place, of the tag that it has to have. @throws RangeError */
export function elementAt(elements: readonly DerElement[], at: number, tag?: number): DerElement {
  const element = elements[at];
  if (!element || (tag !== undefined && element.tag !== tag))
    throw new RangeError("DER: an element is missing");
  return element;
}

/** An object identifier as its hexadecimal content: enough to compare by. */
export function oidOf(element: DerElement): string {
  if (element.tag !== TAG.oid) throw new RangeError("DER: an object identifier is missing");
  return Array.from(element.value, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** UTCTime or GeneralizedTime, which in certificates are in UTC to the second (RFC 5280 section 4.1.2.5). */
export function timeOf({ tag, value }: DerElement): number {
  const text = new TextDecoder().decode(value);
  const digits = tag === TAG.utcTime ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}` : text;
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(digits);
  if (!parts) throw new RangeError("DER: a time is not in UTC");
  const [, year, month, day, hour, minute, second] = parts;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const time = Date.parse(`${iso}Z`);
  // A day that the month does not have would become one of the next month.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(iso))
    throw new RangeError("DER: a time is none");
  return time;
}
