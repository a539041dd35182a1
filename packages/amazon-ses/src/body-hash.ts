import { type ByteChunks, readPieces } from "@posthorn/core/provider";
import { digestPieces, scriptHashes } from "./script-hashes.js";
import { hex } from "./sigv4.js";
import { webHashes } from "./web-hashes.js";

/** From so many characters on Web Cryptography is faster, the wait for its answer included. */
const LONG = 12 * 1024;

/**
 * SHA-256 of a request's body, in hexadecimal. Web Cryptography takes nothing in pieces, so a body with a large file is
 * hashed in JavaScript and never held whole.
 */
export async function hashBody(body: string | ByteChunks): Promise<string> {
  if (typeof body !== "string") return hex(await digestPieces(readPieces(body)));
  return hex(await (body.length < LONG ? scriptHashes : webHashes).sha256(body));
}
