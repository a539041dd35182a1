import { readPieces } from "./pieces.js";
import { digestPieces, scriptHashes } from "./script-hashes.js";
import { hex } from "./sigv4.js";
import { webHashes } from "./web-hashes.js";

/** From so many characters on Web Cryptography is faster, the wait for its answer included. */
const LONG = 12 * 1024;

/**
 * SHA-256 of a request's body, in hexadecimal. Web Cryptography takes no text in pieces, so a blob, which holds a large
 * file, is hashed in JavaScript and never held whole.
 */
export async function hashBody(body: string | Blob | FormData): Promise<string> {
  if (body instanceof Blob) return hex(await digestPieces(readPieces(body)));
  const text = String(body);
  return hex(await (text.length < LONG ? scriptHashes : webHashes).sha256(text));
}
