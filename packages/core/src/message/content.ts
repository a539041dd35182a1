import { decodeBase64, encodeBase64, writeBase64 } from "../bytes/base64.js";
import {
  type ByteChunk,
  ByteChunks,
  bytesOf,
  copy,
  isBlob,
  isByteChunks,
  keep,
  readChunks,
  tagOf,
  utf8,
} from "../bytes/chunks.js";

/**
 * What an attachment may hold. A stream or async iterable (a Node stream, a generator) is read once, and its content is kept as
 * long as the stream itself, so that the same message can be sent again.
 */
export type ContentInput =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>;

/** How a provider takes attachments: as base64 inside JSON, or as they are (in multipart forms). */
export type AttachmentEncoding = "base64" | "raw";

/**
 * A text too large to be copied about, to be put into a JSON body as it stands. `encodeJson` splices it in, so that a
 * large attachment is held once.
 */
export class LargeString {
  /** @param pieces the text in ASCII, which must need no escape in JSON (base64 does not) */
  constructor(readonly pieces: ByteChunks) {}
}

/** A text in a provider's JSON that may be large. */
export type JsonString = string | LargeString;

/** The content of an attachment, read and kept for every attempt. */
export interface AttachmentContent {
  /** Bytes, before any encoding. */
  readonly size: number;
  /** For providers that take base64 in JSON. */
  base64(): JsonString;
  /** For providers that take files. @throws Error when it was read in the form `base64` */
  raw(): ByteChunks;
}

/** From this size on, content is kept in pieces instead of JavaScript strings. */
const LARGE = 256 * 1024;

/** Bytes that are encoded at a time: a multiple of 3. */
const CHUNK = 24_576;

/** Whether a value is a {@link LargeString}, of this copy of the package or of another. */
export function isLargeString(value: unknown): value is LargeString {
  return typeof value === "object" && value !== null && isByteChunks((value as LargeString).pieces);
}

type Stream = Exclude<ContentInput, string | Uint8Array | ArrayBuffer | Blob>;
/** Content as it is kept: bytes, or a string in base64. */
type Kept = { readonly size: number; readonly content: ByteChunks | JsonString };

/** What was read of each stream, for as long as the stream is referenced. All copies of this package share it. */
function keptStreams(): WeakMap<object, Promise<Kept>> {
  const scope = globalThis as { [key: symbol]: WeakMap<object, Promise<Kept>> | undefined };
  const key = Symbol.for("posthorn.streams");
  scope[key] ??= new WeakMap();
  return scope[key];
}

/**
 * Reads content to its end. A stream is read once; the next call gets what was kept.
 *
 * @throws TypeError when it is not content, or a stream that someone else has read
 */
export async function readContent(
  input: ContentInput,
  encoding: "utf-8" | "base64",
  form: AttachmentEncoding,
): Promise<AttachmentContent> {
  if (typeof input === "string") {
    return new BytesContent(encoding === "base64" ? decodeBase64(input) : utf8(input));
  }
  const bytes = bytesOf(input);
  if (bytes) return new BytesContent(bytes);
  if (isBlob(input)) {
    // A Blob of another realm cannot be put into one of this realm.
    if (input.size < LARGE || !(input instanceof Blob))
      return new BytesContent(new Uint8Array(await input.arrayBuffer()));
    return form === "raw"
      ? new KeptContent(input.size, new ByteChunks([input]))
      : keptContent(await readStream(input.stream(), form), form);
  }
  if (!isStream(input)) {
    const hint =
      typeof (input as { then?: unknown } | null)?.then === "function" ? " (await the Promise)" : "";
    throw new TypeError(`it must be a string, bytes, a Blob or a stream${hint}`);
  }
  const streams = keptStreams();
  let kept = streams.get(input);
  if (!kept) {
    if (isUsed(input)) throw new TypeError("the stream was read before, or is being read");
    kept = readStream(input, form);
    // A failure is told to whoever waits for it.
    kept.catch(() => {});
    streams.set(input, kept);
  }
  return keptContent(await kept, form);
}

export function isStream(input: unknown): input is Stream {
  return (
    typeof input === "object" && input !== null && ("getReader" in input || Symbol.asyncIterator in input)
  );
}

/** Whether someone else has read of a stream. */
function isUsed(input: Stream): boolean {
  if (!("getReader" in input)) {
    const { readableDidRead, destroyed } = input as { readableDidRead?: boolean; destroyed?: boolean };
    return readableDidRead === true || destroyed === true;
  }
  if (input.locked) return true;
  try {
    // It refuses a stream that is disturbed, which nothing else reveals.
    new Response(input);
    return false;
  } catch {
    return true;
  }
}

async function readStream(input: Stream, form: AttachmentEncoding): Promise<Kept> {
  const encoder = form === "base64" ? new Base64Encoder() : undefined;
  const parts: ByteChunk[] = [];
  const count = await readChunks(input, (chunk) => void (encoder?.add(chunk) ?? parts.push(keep(chunk))));
  if (count === 0 && tagOf(input) === "AsyncGenerator")
    throw new TypeError("the generator gave nothing: was it read before?");
  if (encoder) return { content: encoder.finish(), size: encoder.size };
  const content = new ByteChunks(parts);
  return { content, size: content.size };
}

/** Kept content in the form that is wanted now. A pool's members may differ. */
async function keptContent({ content, size }: Kept, form: AttachmentEncoding): Promise<KeptContent> {
  const isRaw = isByteChunks(content);
  if (isRaw === (form === "raw")) return new KeptContent(size, content);
  if (isRaw) return new KeptContent(size, (await readStream(content.stream(), form)).content);
  if (typeof content === "string")
    return new KeptContent(size, new ByteChunks([copy(decodeBase64(content))]));
  const parts: ByteChunk[] = [];
  // Each part has whole groups of four characters.
  for (const part of content.pieces.parts) {
    const text = "size" in part ? await part.text() : new TextDecoder().decode(part);
    parts.push(copy(decodeBase64(text)));
  }
  return new KeptContent(size, new ByteChunks(parts));
}

class BytesContent implements AttachmentContent {
  readonly size: number;

  constructor(private readonly bytes: Uint8Array) {
    this.size = bytes.length;
  }

  base64(): JsonString {
    if (this.size < LARGE) return encodeBase64(this.bytes);
    const encoder = new Base64Encoder();
    encoder.add(this.bytes);
    return encoder.finish();
  }

  raw(): ByteChunks {
    return new ByteChunks([copy(this.bytes)]);
  }
}

/** Content kept in one form alone. */
class KeptContent implements AttachmentContent {
  constructor(
    readonly size: number,
    private readonly content: ByteChunks | JsonString,
  ) {}

  base64(): JsonString {
    if (isByteChunks(this.content)) throw new Error("this content was read to be sent as it is");
    return this.content;
  }

  raw(): ByteChunks {
    if (isByteChunks(this.content)) return this.content;
    throw new Error("this content was read to be sent as base64");
  }
}

/** Encodes bytes as they come. */
class Base64Encoder {
  /** Bytes so far. */
  size = 0;
  /** While it is not large. */
  private text = "";
  private readonly parts: ByteChunk[] = [];
  private readonly buffer = new Uint8Array(CHUNK);
  private filled = 0;
  private readonly scratch = new Uint8Array((CHUNK / 3) * 4);

  add(chunk: Uint8Array): void {
    this.size += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      const taken = chunk.subarray(at, at + CHUNK - this.filled);
      this.buffer.set(taken, this.filled);
      this.filled += taken.length;
      at += taken.length;
      if (this.filled === CHUNK) this.flush();
    }
  }

  finish(): JsonString {
    this.flush();
    return this.parts.length > 0
      ? new LargeString(new ByteChunks([utf8(this.text), ...this.parts]))
      : this.text;
  }

  private flush(): void {
    const written = writeBase64(this.buffer.subarray(0, this.filled), this.scratch);
    this.filled = 0;
    if (this.size < LARGE) this.text += new TextDecoder().decode(written);
    else this.parts.push(copy(written));
  }
}
