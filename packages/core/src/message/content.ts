import { decodeBase64, encodeBase64, writeBase64 } from "../bytes/base64.js";
import { type ByteChunk, ByteChunks, copy, keep, readChunks, utf8 } from "../bytes/chunks.js";

/** What an attachment may hold. A stream is read once, before anything is sent, and kept for retries. */
export type ContentInput = string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array>;

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

/** Reads content to its end. */
export async function readContent(
  input: ContentInput,
  encoding: "utf-8" | "base64",
  form: AttachmentEncoding,
): Promise<AttachmentContent> {
  if (typeof input === "string") {
    return new BytesContent(encoding === "base64" ? decodeBase64(input) : utf8(input));
  }
  if (input instanceof Uint8Array) return new BytesContent(input);
  if (input instanceof ArrayBuffer) return new BytesContent(new Uint8Array(input));
  if (input instanceof Blob) {
    if (input.size < LARGE) return new BytesContent(new Uint8Array(await input.arrayBuffer()));
    return form === "raw"
      ? new KeptContent(input.size, new ByteChunks([input]))
      : encodeStream(input.stream());
  }
  if (input instanceof ReadableStream) {
    if (input.locked) throw new TypeError("the stream is locked or was read before");
    if (form === "base64") return encodeStream(input);
    const parts: ByteChunk[] = [];
    await readChunks(input, (chunk) => void parts.push(keep(chunk)));
    const pieces = new ByteChunks(parts);
    return new KeptContent(pieces.size, pieces);
  }
  throw new TypeError("it is neither text, bytes, a Blob nor a ReadableStream");
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
    if (this.content instanceof ByteChunks) throw new Error("this content was read to be sent as it is");
    return this.content;
  }

  raw(): ByteChunks {
    if (this.content instanceof ByteChunks) return this.content;
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

async function encodeStream(stream: ReadableStream<Uint8Array>): Promise<AttachmentContent> {
  const encoder = new Base64Encoder();
  await readChunks(stream, (chunk) => encoder.add(chunk));
  return new KeptContent(encoder.size, encoder.finish());
}

/** Reads a stream to its end into a blob, chunk by chunk, so that it is never held twice. */
export async function readStream(stream: ReadableStream<Uint8Array>): Promise<Blob> {
  const parts: Blob[] = [];
  await readChunks(stream, (chunk) => void parts.push(new Blob([chunk as Uint8Array<ArrayBuffer>])));
  return new Blob(parts);
}
