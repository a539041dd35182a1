import { type ByteChunks, readPieces } from "@posthorn/core/provider";
import { Sha256 } from "./sha256.js";
import { type Bytes, type Hashes, hex, webHashes } from "./sigv4.js";

const BLOCK = 64;
/** Strings longer than this are hashed faster by Web Cryptography, including the wait for its result. */
const LONG = 12 * 1024;
const utf8 = new TextEncoder();

/** Hashes in JavaScript: finished with a few KB before Web Cryptography's other thread has responded. */
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

/**
 * SHA-256 of a request's body, in hexadecimal. Web Cryptography cannot hash in chunks, so a body with a large file is
 * hashed in JavaScript and never copied into one buffer.
 */
export async function hashBody(body: string | ByteChunks): Promise<string> {
  if (typeof body === "string")
    return hex(await (body.length < LONG ? scriptHashes : webHashes).sha256(body));
  const hash = new Sha256();
  for await (const bytes of readPieces(body)) hash.update(bytes);
  return hex(hash.digest());
}

function digest(...pieces: readonly Bytes[]): Bytes {
  const hash = new Sha256();
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}
