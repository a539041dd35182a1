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
