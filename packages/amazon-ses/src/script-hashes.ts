import { SHA256 } from "@stablelib/sha256";
import type { Bytes, Hashes } from "./sigv4.js";

const BLOCK = 64;
const utf8 = new TextEncoder();

/** In JavaScript, which is done with a few KB before Web Cryptography's other thread has answered. */
export const scriptHashes: Hashes = {
  sha256: (text) => digest(utf8.encode(text)),
  // RFC 2104.
  hmac(key, text) {
    const block = new Uint8Array(BLOCK);
    block.set(key.length > BLOCK ? digest(key) : key);
    const inner = digest(
      block.map((byte) => byte ^ 0x36),
      utf8.encode(text),
    );
    return digest(
      block.map((byte) => byte ^ 0x5c),
      inner,
    );
  },
};

/** SHA-256 of bytes that come in pieces. */
export async function digestPieces(pieces: AsyncIterable<Bytes>): Promise<Bytes> {
  const hash = new SHA256();
  for await (const piece of pieces) hash.update(piece);
  return hash.digest() as Bytes;
}

/** One for all that is hashed at once: most of a short text's time goes into making it. */
const shared = new SHA256();

function digest(...pieces: readonly Bytes[]): Bytes {
  shared.reset();
  for (const piece of pieces) shared.update(piece);
  return shared.digest() as Bytes;
}
