/**
 * Header values with parameters, such as `attachment; filename=a.pdf`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2045#section-5.1 and https://www.rfc-editor.org/rfc/rfc2231
 */

/** A header value, taken apart. */
export interface StructuredValue {
  /** What stands before the parameters, in lower case. */
  readonly value: string;
  /** Parameters by their name in lower case. Of two with one name the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Bytes as a string. */
export type DecodeBytes = (bytes: Uint8Array<ArrayBuffer>, charset: string) => string;

/** Parameters of a value in several sections (RFC 2231 section 3) that are looked at. */
const MAX_SECTIONS = 1000;

/**
 * Parses a header value: comments are left out, quotes are removed, and extended parameters (RFC 2231) are decoded and
 * win over plain ones of the same name (RFC 6266 section 4.3).
 */
export function parseStructured(header: string, decode: DecodeBytes = decodeKnown): StructuredValue {
  const [first = "", ...rest] = splitValue(withoutComments(header));
  const plain = new Map<string, string>();
  const sections = new Map<string, Section[]>();
  for (const entry of rest) {
    const equals = entry.indexOf("=");
    const name = (equals < 0 ? entry : entry.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? "" : unquote(entry.slice(equals + 1).trim());
    const extended = /^([^*]+)\*(?:(\d{1,4})(\*)?)?$/.exec(name);
    if (!extended) {
      if (name !== "" && !plain.has(name)) plain.set(name, value);
      continue;
    }
    const [, base = "", number = "0", star] = extended;
    const list = sections.get(base) ?? [];
    const at = Number(number);
    // A section that is there already counts, as a plain parameter does.
    if (list.length < MAX_SECTIONS && !list.some((section) => section.at === at)) {
      list.push({ at, value, isEncoded: star === "*" || !extended[2] });
    }
    sections.set(base, list);
  }
  for (const [name, list] of sections) plain.set(name, joinSections(list, decode));
  return { value: unquote(first.trim()).toLowerCase(), parameters: plain };
}

interface Section {
  readonly at: number;
  readonly value: string;
  readonly isEncoded: boolean;
}

function joinSections(sections: readonly Section[], decode: DecodeBytes): string {
  let charset = "utf-8";
  let text = "";
  // A character may be split between two encoded sections, so those in a row are decoded as one.
  let encoded: Uint8Array[] = [];
  const flush = (): void => {
    const bytes = new Uint8Array(encoded.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of encoded) {
      bytes.set(part, at);
      at += part.length;
    }
    text += decode(bytes, charset);
    encoded = [];
  };
  for (const [index, section] of sections.toSorted((a, b) => a.at - b.at).entries()) {
    if (!section.isEncoded) {
      flush();
      text += section.value;
      continue;
    }
    const marked = index === 0 ? /^([^']*)'[^']*'([\s\S]*)$/.exec(section.value) : null;
    if (marked?.[1]) charset = marked[1];
    encoded.push(percentDecoded(marked?.[2] ?? section.value));
  }
  flush();
  return text;
}

/** Bytes of a percent-encoded string. A percent sign without two digits stays as it is. */
function percentDecoded(text: string): Uint8Array<ArrayBuffer> {
  return percentDecodedBytes(new TextEncoder().encode(text));
}

/** Percent-encoded bytes, decoded. @param plus the byte that stands for a space, where one does */
export function percentDecodedBytes(bytes: Uint8Array, plus = -1): Uint8Array<ArrayBuffer> {
  const decoded = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    const high = byte === 37 ? hexDigit(bytes[at + 1]) : -1;
    const low = high < 0 ? -1 : hexDigit(bytes[at + 2]);
    if (low >= 0) at += 2;
    decoded[length++] = low >= 0 ? high * 16 + low : byte === plus ? 32 : byte;
  }
  return decoded.subarray(0, length);
}

/** The value of a hexadecimal digit by its ASCII code, or -1. */
export function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** Splits at the semicolons outside quotes. */
function splitValue(text: string): readonly string[] {
  const entries: string[] = [];
  let start = 0;
  // Behind quotes that do not end there are none that do.
  let mayQuote = true;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"' && mayQuote) {
      const end = endOfQuoted(text, at);
      mayQuote = end > at;
      at = end;
    } else if (text[at] === ";") {
      entries.push(text.slice(start, at));
      start = at + 1;
    }
  }
  entries.push(text.slice(start));
  return entries;
}

/**
 * Where the quotes end that begin at a place. Windows paths are sent with bare backslashes, so where no end is found a
 * backslash before a quote at the end of the parameter does not escape it. Quotes that never end are none.
 */
function endOfQuoted(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    const next = /\S/.exec(text.slice(at + 1, at + 20))?.[0];
    if (next === undefined || next === ";") return at;
  }
  return from;
}

/** A value without its quotes, and without the backslashes that escape what is not a letter or a digit. */
function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  const end = endOfQuoted(value, 0);
  return end === 0 ? value.slice(1) : value.slice(1, end).replace(/\\([^A-Za-z0-9])/g, "$1");
}

/**
 * Removes comments. Within a parameter's value a parenthesis begins one only behind white space: `a(1).pdf` is a file
 * name. One that does not end is none.
 */
export function withoutComments(text: string): string {
  if (!text.includes("(")) return text;
  let kept = "";
  let last = " ";
  let inValue = false;
  let mayQuote = true;
  let mayEnd = true;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '"' && mayQuote) {
      const end = endOfQuoted(text, at);
      mayQuote = end > at;
      kept += text.slice(at, end + 1);
      last = '"';
      at = end;
      continue;
    }
    if (character === "(" && mayEnd && (!inValue || last === " " || last === "\t")) {
      const end = endOfComment(text, at);
      if (end > at) {
        at = end;
        continue;
      }
      // Nor do the parentheses behind it end.
      mayEnd = false;
    }
    if (character === "=") inValue = true;
    else if (character === ";") inValue = false;
    kept += character;
    last = character;
  }
  return kept;
}

/** The parenthesis that closes the one at a place, comments within comments counted; the place itself where none does. */
export function endOfComment(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at;
  }
  return from;
}

/** Bytes in a charset of the runtime; those of an unknown one as UTF-8. */
function decodeKnown(bytes: Uint8Array<ArrayBuffer>, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}
