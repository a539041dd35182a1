export const FILENAME = "report.bin";
const CHUNK = 65_536;

/** A stream of bytes that are made as they are read, so that none are held beside those of the sender. */
export function fileStream(bytes) {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const chunk = new Uint8Array(Math.min(CHUNK, left));
      for (let at = 0; at < chunk.length; at++) chunk[at] = (at * 31 + left) & 0xff;
      left -= chunk.length;
      controller.enqueue(chunk);
    },
  });
}
