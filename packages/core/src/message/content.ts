import type { ContentInput } from "./attachment.js";
import { CHUNK, decodeBase64, encodeBase64, writeBase64 } from "./base64.js";

/** How a provider takes attachments: as base64 inside JSON, or as they are (in multipart forms, or raw MIME). */
export type ContentForm = "base64" | "blob";

/**
 * A text too large to be copied about, to be put into a JSON body as it stands. `jsonBody` splices it in, so that a
 * large attachment is held once.
 */
export class LargeText {
  /** @param blob the text, which must need no escape in JSON (base64 does not) */
  constructor(readonly blob: Blob) {}
}

/** A text in a provider's JSON that may be large. */
export type JsonText = string | LargeText;

/** The content of an attachment, read and kept for every attempt. */
export interface AttachmentContent {
  /** Bytes, before any encoding. */
  readonly size: number;
  /** For providers that take base64 in JSON. */
  base64(): JsonText;
  /** For providers that take files. @throws Error when it was read in the form `base64` */
  blob(type?: string): Blob;
}

/** From this size on, content is kept in blobs instead of JavaScript strings. */
const LARGE = 256 * 1024;

/** Reads content to its end. */
export async function readContent(
  input: ContentInput,
  encoding: "utf-8" | "base64",
  form: ContentForm,
): Promise<AttachmentContent> {
  if (typeof input === "string") {
    return new BytesContent(encoding === "base64" ? decodeBase64(input) : new TextEncoder().encode(input));
  }
  if (input instanceof Uint8Array) return new BytesContent(input);
  if (input instanceof ArrayBuffer) return new BytesContent(new Uint8Array(input));
  if (input instanceof Blob) {
    if (input.size < LARGE) return new BytesContent(new Uint8Array(await input.arrayBuffer()));
    return form === "blob" ? new BlobContent(input) : encodeStream(input.stream());
  }
  if (input instanceof ReadableStream) {
    if (input.locked) throw new TypeError("the stream is locked or was read before");
    return form === "blob" ? new BlobContent(await readStream(input)) : encodeStream(input);
  }
  throw new TypeError("it is neither text, bytes, a Blob nor a ReadableStream");
}

class BytesContent implements AttachmentContent {
  readonly size: number;

  constructor(private readonly bytes: Uint8Array) {
    this.size = bytes.length;
  }

  base64(): JsonText {
    if (this.size < LARGE) return encodeBase64(this.bytes);
    const encoder = new BlobEncoder();
    encoder.add(this.bytes);
    return encoder.finish();
  }

  blob(type = ""): Blob {
    return new Blob([this.bytes as Uint8Array<ArrayBuffer>], { type });
  }
}

class BlobContent implements AttachmentContent {
  readonly size: number;

  constructor(private readonly source: Blob) {
    this.size = source.size;
  }

  base64(): JsonText {
    throw new Error("this content was read to be sent as it is");
  }

  blob(type = ""): Blob {
    return this.source.slice(0, this.source.size, type);
  }
}

class Base64Content implements AttachmentContent {
  constructor(
    readonly size: number,
    private readonly text: JsonText,
  ) {}

  base64(): JsonText {
    return this.text;
  }

  blob(): Blob {
    throw new Error("this content was read to be sent as base64");
  }
}

/** Encodes bytes as they come, three at a time, and keeps the text in blobs. */
class BlobEncoder {
  private readonly parts: Blob[] = [];
  private rest = new Uint8Array(0);
  /** Blobs copy what they are made of, so one piece of memory does for all. */
  private readonly scratch = new Uint8Array((CHUNK / 3) * 4);

  add(chunk: Uint8Array): void {
    let at = 0;
    if (this.rest.length > 0) {
      at = Math.min(chunk.length, 3 - this.rest.length);
      this.rest = join(this.rest, chunk.subarray(0, at));
      if (this.rest.length < 3) return;
      this.push(this.rest);
    }
    const end = chunk.length - ((chunk.length - at) % 3);
    for (; at < end; at += CHUNK) this.push(chunk.subarray(at, Math.min(end, at + CHUNK)));
    this.rest = chunk.slice(end);
  }

  finish(): LargeText {
    if (this.rest.length > 0) this.parts.push(new Blob([encodeBase64(this.rest)]));
    return new LargeText(new Blob(this.parts));
  }

  /** Takes whole groups of three, `CHUNK` bytes at most. */
  private push(bytes: Uint8Array): void {
    this.parts.push(new Blob([writeBase64(bytes, this.scratch)]));
  }
}

async function encodeStream(stream: ReadableStream<Uint8Array>): Promise<AttachmentContent> {
  const head: Uint8Array[] = [];
  let encoder: BlobEncoder | undefined;
  let size = 0;
  for await (const chunk of chunks(stream)) {
    size += chunk.length;
    if (encoder) {
      encoder.add(chunk);
    } else {
      head.push(chunk);
      if (size >= LARGE) {
        encoder = new BlobEncoder();
        for (const early of head.splice(0)) encoder.add(early);
      }
    }
  }
  return encoder
    ? new Base64Content(size, encoder.finish())
    : new BytesContent(head.reduce(join, new Uint8Array(0)));
}

/** Bytes as base64, for a provider that takes a whole mail encoded. */
export async function blobBase64(blob: Blob): Promise<JsonText> {
  return (await encodeStream(blob.stream())).base64();
}

/** Reads a stream to its end into a blob, chunk by chunk, so that it is never held twice. */
export async function readStream(stream: ReadableStream<Uint8Array>): Promise<Blob> {
  const parts: Blob[] = [];
  for await (const chunk of chunks(stream)) parts.push(new Blob([chunk as Uint8Array<ArrayBuffer>]));
  return new Blob(parts);
}

// Not every runtime's ReadableStream is async iterable.
async function* chunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (!(value instanceof Uint8Array)) throw new TypeError("the stream gives something other than bytes");
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
