/** Bytes handled in one go: a multiple of 3, and few enough for `String.fromCharCode` on every engine. */
export const CHUNK = 24_576;

/** Standard base64 with padding (RFC 4648 section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  }
  return text;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * Writes base64 as bytes, for content too large to pass through texts, which are garbage as soon as they are made.
 *
 * @param bytes a multiple of 3 of them
 * @param target four bytes of room for every three
 * @returns the part of `target` that was written
 */
export function writeBase64(bytes: Uint8Array, target: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const code = (bits: number): number => ALPHABET.charCodeAt(bits & 63);
  let to = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    target[to++] = code(bits >> 18);
    target[to++] = code(bits >> 12);
    target[to++] = code(bits >> 6);
    target[to++] = code(bits);
  }
  return target.subarray(0, to);
}

/**
 * Decodes standard base64; white space is skipped.
 *
 * @throws DOMException (`InvalidCharacterError`) when it is not base64
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** Base64 of a UTF-8 text, as HTTP basic authentication wants it. */
export function encodeBase64Text(text: string): string {
  return encodeBase64(new TextEncoder().encode(text));
}
