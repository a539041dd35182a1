import { encodeBase64 } from "./base64.js";

/** Octets of UTF-8 that one encoded word takes: 75 characters less `=?utf-8?b?` and `?=`, in base64. */
const MOST_OCTETS = 45;

/**
 * A text for a header that must be ASCII: as it is when it is ASCII, otherwise as encoded words (RFC 2047), in
 * whichever of the two encodings is shorter.
 */
export function encodeWords(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is tested for
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  const words: string[] = [];
  let piece = "";
  // A character must not be split between words, so whole characters are gathered.
  for (const character of text) {
    if (new TextEncoder().encode(piece + character).length > MOST_OCTETS) {
      words.push(encodeWord(piece));
      piece = "";
    }
    piece += character;
  }
  return [...words, encodeWord(piece)].join(" ");
}

function encodeWord(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const base64 = encodeBase64(bytes);
  const quoted = [...bytes].map(quoteOctet).join("");
  const word = base64.length < quoted.length ? `b?${base64}` : `q?${quoted}`;
  return `=?utf-8?${word}?=`;
}

function quoteOctet(octet: number): string {
  const character = String.fromCharCode(octet);
  if (/[A-Za-z0-9!*+/-]/.test(character)) return character;
  return octet === 0x20 ? "_" : `=${octet.toString(16).toUpperCase().padStart(2, "0")}`;
}
