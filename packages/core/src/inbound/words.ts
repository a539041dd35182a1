import { hexDigit } from "../webhooks/parameters.js";
import { byteOfWindows1252, decodeText } from "./charset.js";
import { decodeLooseBase64 } from "./transfer.js";

/** An encoded word, with the language that RFC 2231 allows behind its charset. */
const WORD = /=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bq])\?([^?]*)\?=/gi;

/**
 * A header's value with its encoded words decoded, on one line.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2047
 */
export function decodeHeader(value: string): string {
  return oneLine(value.includes("=?") ? decodeWords(value) : value);
}

/** A text without line breaks and without NUL, which have no business in a name or a subject. */
export function oneLine(text: string): string {
  return text.replace(/\0/g, "").replace(/[\r\n\u0085\u2028\u2029]+/g, " ");
}

interface Run {
  readonly charset: string;
  readonly words: readonly Uint8Array[];
}

function decodeWords(value: string): string {
  const decoded: string[] = [];
  let run: { charset: string; words: Uint8Array[] } | undefined;
  let at = 0;
  const flush = (): void => {
    if (run) decoded.push(decodeRun(run));
    run = undefined;
  };
  for (const match of value.matchAll(WORD)) {
    const [word, charset = "", encoding, text = ""] = match;
    const between = value.slice(at, match.index);
    at = match.index + word.length;
    // White space between two words is there to fold the line, and is no part of the text.
    if (!run || /[^ \t\r\n]/.test(between)) {
      flush();
      decoded.push(between);
    } else if (run.charset !== charset.toLowerCase()) {
      flush();
    }
    run ??= { charset: charset.toLowerCase(), words: [] };
    run.words.push(encoding?.toLowerCase() === "b" ? decodeB(text) : decodeQ(text, run.charset));
  }
  flush();
  decoded.push(value.slice(at));
  return decoded.join("");
}

/** Words in a row that have one charset. Some programs split a character between two, so their bytes are joined first. */
function decodeRun({ charset, words }: Run): string {
  const [first] = words;
  if (words.length === 1 && first) return decodeText(first, charset);
  const bytes = new Uint8Array(words.reduce((size, word) => size + word.length, 0));
  let at = 0;
  for (const word of words) {
    bytes.set(word, at);
    at += word.length;
  }
  const joined = decodeText(bytes, charset);
  if (!joined.includes("\ufffd")) return joined;
  const separate = words.map((word) => decodeText(word, charset)).join("");
  return separate.includes("\ufffd") ? joined : separate;
}

function decodeB(text: string): Uint8Array {
  return decodeLooseBase64(new TextEncoder().encode(text));
}

/** The Q encoding: `_` is a space, `=A2` a byte. A character that is not ASCII stands for its byte in the charset. */
function decodeQ(text: string, charset: string): Uint8Array {
  const isUtf8 = /^utf-?8$/.test(charset);
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const high = code === 61 ? hexDigit(text.charCodeAt(at + 1)) : -1;
    const low = high < 0 ? -1 : hexDigit(text.charCodeAt(at + 2));
    if (low >= 0) {
      bytes[length++] = high * 16 + low;
      at += 2;
    } else if (code < 0x80) {
      bytes[length++] = code === 95 ? 32 : code;
    } else if (isUtf8) {
      const character = String.fromCodePoint(text.codePointAt(at) as number);
      if (character.length === 2) at++;
      const encoded = new TextEncoder().encode(character);
      bytes.set(encoded, length);
      length += encoded.length;
    } else {
      const byte = byteOfWindows1252(text.charAt(at));
      bytes[length++] = byte < 0 ? 63 : byte;
    }
  }
  return bytes.subarray(0, length);
}
