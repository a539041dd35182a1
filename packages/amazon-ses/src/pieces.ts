import type { Bytes } from "./sigv4.js";

/** Bytes read at once: few milliseconds of work, and whole lines of base64. */
const PIECE = 76 * 4096;

/** The bytes of a blob, piece by piece, so that it is never held whole; every piece is a whole number of 76 bytes but the last. */
export async function* readPieces(blob: Blob): AsyncGenerator<Bytes, void, undefined> {
  for (let at = 0; at < blob.size; at += PIECE) {
    yield new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer());
    // What is in memory is read without a turn of the event loop, and all else would wait for the last piece.
    await new Promise((resolve) => setTimeout(resolve));
  }
}
