/** A part of {@link ByteChunks}. */
export type ByteChunk = Uint8Array<ArrayBuffer> | Blob;

const { navigator, process } = globalThis as {
  navigator?: { userAgent?: string };
  process?: { versions?: Record<string, string> };
};
/**
 * Whether `fetch` is undici, Node's, which sends a stream with the length that it is given. Deno and Workers send it in
 * chunks, which providers may refuse. Node 20 has no `navigator`; that of a browser (Electron, jsdom) has its own `fetch`.
 */
export const SENDS_STREAMS: boolean = Boolean(
  process?.versions?.["undici"] && /^Node|^$/.test(navigator?.userAgent ?? ""),
);

/** What a value is, whichever realm it comes from: `"Date"`, `"Blob"`. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether a value is a `Blob` or `File`, of this realm or another (jsdom has its own). */
export function isBlob(value: unknown): value is Blob {
  return /^(?:Blob|File)$/.test(tagOf(value));
}

/** Bytes of any realm as bytes of this one, without a copy; `undefined` for what is neither a view nor a buffer. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return /^(?:Shared)?ArrayBuffer$/.test(tagOf(value)) ? new Uint8Array(value as ArrayBuffer) : undefined;
}

/**
 * Bytes kept in pieces, to be sent as often as need be. Where `fetch` sends streams of known length they never are
 * copied; elsewhere they are blobs, which runtimes share.
 */
export class ByteChunks {
  /** Bytes of all pieces. */
  readonly size: number;

  constructor(readonly parts: readonly ByteChunk[]) {
    this.size = parts.reduce((sum, part) => sum + ("size" in part ? part.size : part.length), 0);
  }

  /** All bytes as one blob. */
  blob(): Blob {
    return new Blob([...this.parts]);
  }

  /** All bytes from the start, piece by piece, without copies of those that are no blobs. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const parts = this.parts.values();
    let blob: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
    return new ReadableStream(
      {
        async pull(controller): Promise<void> {
          for (;;) {
            const read = await blob?.read();
            if (read?.value) return controller.enqueue(read.value);
            const { done, value } = parts.next();
            if (done) return controller.close();
            // Those that are there already may as well wait in the stream, which spares its asking for each.
            if ("size" in value) blob = value.stream().getReader();
            else controller.enqueue(value);
          }
        },
        cancel: (reason) => blob?.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** What `fetch` is to be given of it, for one attempt. @param own whether it is the runtime's own `fetch` */
  fetchInit(headers: Readonly<Record<string, string>>, own: boolean): RequestInit {
    if (!SENDS_STREAMS || !own) return { headers: { ...headers }, body: this.blob() };
    // Without `omit` some releases of Node 24 fail at a 401 instead of answering. https://github.com/nodejs/undici/issues/4940
    const init = { duplex: "half", credentials: "omit" } as const;
    return { ...init, headers: { ...headers, "content-length": String(this.size) }, body: this.stream() };
  }
}

/** Whether a value is {@link ByteChunks}, of this copy of the package or of another. */
export function isByteChunks(value: unknown): value is ByteChunks {
  return (
    typeof value === "object" &&
    value !== null &&
    "parts" in value &&
    Array.isArray(value.parts) &&
    "fetchInit" in value &&
    typeof value.fetchInit === "function"
  );
}

/** Bytes that their owner gives away, such as a stream's. */
export function keep(bytes: Uint8Array): ByteChunk {
  // A small part of a large buffer would hold all of it.
  return SENDS_STREAMS && bytes.length * 2 >= bytes.buffer.byteLength
    ? (bytes as Uint8Array<ArrayBuffer>)
    : copy(bytes);
}

/** Bytes whose memory is used again. */
export function copy(bytes: Uint8Array): ByteChunk {
  return SENDS_STREAMS ? new Uint8Array(bytes) : new Blob([bytes as Uint8Array<ArrayBuffer>]);
}

/** A text in UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/**
 * Reads a stream, an async iterable (a Node stream, a generator) to its end. Not every runtime's ReadableStream is async iterable.
 *
 * @returns how many chunks there were
 */
export async function readChunks(
  source: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>,
  take: (chunk: Uint8Array) => void,
): Promise<number> {
  const reader = "getReader" in source ? source.getReader() : undefined;
  const chunks = reader ? undefined : (source as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const next = async (): Promise<{ done?: boolean | undefined; value?: unknown }> =>
    (await (reader ? reader.read() : chunks?.next())) ?? { done: true };
  try {
    for (let count = 0; ; count++) {
      const { done, value } = await next();
      if (done) return count;
      const chunk = typeof value === "string" ? utf8(value) : bytesOf(value);
      if (!chunk) throw new TypeError("the stream gives something other than bytes or strings");
      take(chunk);
    }
  } finally {
    reader?.releaseLock();
  }
}
