import type { ByteChunks } from "./chunks.js";

/** Bytes after which all else gets its turn: few milliseconds of work. */
const TURN = 300_000;

/** The bytes of a large body or text, piece by piece, so that it is never held whole. */
export async function* readPieces(
  pieces: ByteChunks,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = pieces.stream().getReader();
  let worked = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
    worked += value.length;
    if (worked < TURN) continue;
    worked = 0;
    // What is in memory is read without a turn of the event loop, and all else would wait for the last piece.
    await new Promise((resolve) => setTimeout(resolve));
  }
}
