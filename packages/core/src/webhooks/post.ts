import { WebhookRequestError } from "../errors.js";
import { type FormField, parseMultipartBody } from "./multipart.js";
import { percentDecodedBytes } from "./parameters.js";
import { parseJson } from "./values.js";

/** What a post may be at most. */
export interface PostLimits {
  /** Bytes of the body. */
  readonly maxBodyBytes: number;
  /** Parts of a form. */
  readonly maxParts: number;
  /** Milliseconds until the whole body is here. */
  readonly timeout: number;
}

/** A post with its body read, as its exact bytes. */
export class WebhookPost {
  readonly request: Request;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly #maxParts: number;
  #form: WebhookForm | undefined;
  #json: { readonly value: unknown } | undefined;

  constructor(request: Request, body: Uint8Array<ArrayBuffer>, limits: Pick<PostLimits, "maxParts">) {
    this.request = request;
    this.headers = request.headers;
    this.body = body;
    this.#maxParts = limits.maxParts;
  }

  /** Media type without its parameters, in lower case. */
  get mediaType(): string {
    return (this.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  }

  /** Whether the body is a form, of either kind. */
  get isForm(): boolean {
    return this.mediaType === "multipart/form-data" || this.mediaType === "application/x-www-form-urlencoded";
  }

  /** The body as UTF-8. */
  text(): string {
    return new TextDecoder().decode(this.body);
  }

  /**
   * The body as JSON, parsed once. Whole numbers beyond 2^53 are strings of their digits, so that no id is changed.
   *
   * @throws WebhookRequestError unless the body is JSON
   */
  json(): unknown {
    this.#json ??= { value: this.#parseJson() };
    return this.#json.value;
  }

  #parseJson(): unknown {
    try {
      return parseJson(this.text());
    } catch (cause) {
      throw new WebhookRequestError("the body is not JSON", { status: 400, cause });
    }
  }

  /** @throws WebhookRequestError unless the body is a form, or when it has too many parts */
  form(): WebhookForm {
    this.#form ??= new WebhookForm(this.#fields());
    return this.#form;
  }

  #fields(): readonly FormField[] {
    const multipart = parseMultipartBody(this.body, this.headers.get("content-type") ?? "", this.#maxParts);
    if (multipart) return multipart;
    if (!this.isForm) {
      throw new WebhookRequestError(`a form is expected, not "${this.mediaType}"`, { status: 415 });
    }
    return parseUrlencoded(this.body, this.#maxParts);
  }
}

const [AMPERSAND, EQUALS, PLUS] = [38, 61, 43];

/**
 * Reads `application/x-www-form-urlencoded` as bytes: what is percent-encoded need not be UTF-8. No more is read than the
 * parts that are allowed.
 *
 * @see https://url.spec.whatwg.org/#urlencoded-parsing
 */
function parseUrlencoded(body: Uint8Array, maxParts: number): readonly FormField[] {
  const fields: FormField[] = [];
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(AMPERSAND, start);
    const end = found < 0 ? body.length : found;
    // Empty ones count too: they take time.
    if (fields.length >= maxParts) {
      throw new WebhookRequestError(`the form has more than ${maxParts} parts`, { status: 413 });
    }
    const pair = body.subarray(start, end);
    const equals = pair.indexOf(EQUALS);
    const name = percentDecodedBytes(equals < 0 ? pair : pair.subarray(0, equals), PLUS);
    const bytes = percentDecodedBytes(equals < 0 ? new Uint8Array() : pair.subarray(equals + 1), PLUS);
    fields.push({ name: new TextDecoder().decode(name), filename: null, contentType: null, bytes });
    start = end + 1;
  }
  return fields.filter(({ name, bytes }) => name !== "" || bytes.length > 0);
}

/** The fields of a form, in order. */
export class WebhookForm {
  readonly fields: readonly FormField[];

  constructor(fields: readonly FormField[]) {
    this.fields = fields;
  }

  /** The first field of a name that is no file with a name of its own. */
  field(name: string): FormField | undefined {
    return this.fields.find((field) => field.name === name && !field.filename);
  }

  /** The texts of every field of a name. */
  all(name: string): readonly string[] {
    return this.fields
      .filter((field) => field.name === name)
      .map(({ bytes }) => new TextDecoder().decode(bytes));
  }

  /** The text of a field; `null` where there is none. */
  text(name: string): string | null {
    const field = this.field(name);
    return field ? new TextDecoder().decode(field.bytes) : null;
  }

  /** The file of a name. */
  file(name: string): FormField | undefined {
    return this.fields.find((field) => field.name === name && field.filename !== null);
  }
}

/** Bytes that are read and thrown away of a body that is too large. */
const MAX_DISCARDED = 32_000_000;

/**
 * Reads the body of a request, and unpacks it where it is gzip or deflate. Of one that is too large or takes too long
 * nothing is kept.
 *
 * @throws WebhookRequestError 413, 408, 415, or 400 when it breaks off
 */
export async function readPost(request: Request, limits: PostLimits): Promise<WebhookPost> {
  if (Number(request.headers.get("content-length") ?? 0) > limits.maxBodyBytes) throw tooLarge(limits);
  if (request.bodyUsed) {
    throw new WebhookRequestError("the body was read before; give the handler the request as it came", {
      status: 500,
    });
  }
  const body = request.body ? await readStream(request.body, limits) : new Uint8Array();
  return new WebhookPost(request, await unpack(body, request.headers, limits), limits);
}

/** Made when it is needed: an error notes the stack, which costs more than all the rest of reading a post. */
function tooLarge({ maxBodyBytes }: PostLimits): WebhookRequestError {
  return new WebhookRequestError(`the body is larger than ${maxBodyBytes} bytes`, { status: 413 });
}

async function readStream(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  limits: PostLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // Ends the read that waits. The stream itself may hang for ever, so its end is not waited for.
    reader.cancel().catch(() => {});
  }, limits.timeout);
  const bytes = new GrowingBytes();
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate)
        throw new WebhookRequestError(`the body took longer than ${limits.timeout} ms`, { status: 408 });
      if (done) break;
      size += value.byteLength;
      if (size > limits.maxBodyBytes + MAX_DISCARDED) throw tooLarge(limits);
      // What is too much is read all the same: hosts whose body is dropped cut the connection, and the sender never sees the answer.
      if (size > limits.maxBodyBytes) bytes.clear();
      else bytes.add(value);
    }
  } catch (error) {
    reader.cancel(error).catch(() => {});
    if (size > limits.maxBodyBytes) throw tooLarge(limits);
    if (error instanceof WebhookRequestError) throw error;
    throw new WebhookRequestError("the body broke off", { status: 400, cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (size > limits.maxBodyBytes) throw tooLarge(limits);
  return bytes.whole();
}

/** Unpacks a body. One whose header says that it is packed although a proxy has unpacked it is taken as it is. */
async function unpack(
  body: Uint8Array<ArrayBuffer>,
  headers: Headers,
  limits: PostLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const named = (headers.get("content-encoding") ?? "").trim().toLowerCase();
  // Gzip is told by its first bytes too (RFC 1952 section 2.3.1): no JSON and no form begins so.
  const looksPacked = body[0] === 0x1f && body[1] === 0x8b;
  const encoding = named === "" && looksPacked ? "gzip" : named;
  if (encoding === "" || encoding === "identity" || body.length === 0) return body;
  const isGzip = /^(?:x-)?gzip$/.test(encoding);
  if (isGzip && !looksPacked) return body;
  if (!isGzip && encoding !== "deflate") {
    throw new WebhookRequestError(
      `the body's encoding "${encoding}" is not supported; gzip and deflate are`,
      {
        status: 415,
      },
    );
  }
  const packed = new Blob([body]).stream();
  const unpacked = packed.pipeThrough(new DecompressionStream(isGzip ? "gzip" : "deflate"));
  try {
    const reader = unpacked.getReader();
    const bytes = new GrowingBytes();
    for (let size = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) return bytes.whole();
      size += value.byteLength;
      if (size > limits.maxBodyBytes) {
        reader.cancel().catch(() => {});
        throw tooLarge(limits);
      }
      bytes.add(value);
    }
  } catch (error) {
    if (error instanceof WebhookRequestError) throw error;
    throw new WebhookRequestError("the body cannot be unpacked", { status: 400, cause: error });
  }
}

/** Bytes that come in chunks of any size. Chunks are copied: each small one may hold a large buffer. */
class GrowingBytes {
  #buffer = new Uint8Array();
  #size = 0;

  add(chunk: Uint8Array<ArrayBuffer>): void {
    const size = this.#size + chunk.length;
    if (this.#size === 0) {
      // The body may well be this chunk alone, and then it is not copied.
      this.#buffer = chunk;
    } else {
      if (size > this.#buffer.length || this.#buffer.length === this.#size) {
        const larger = new Uint8Array(Math.max(size, this.#size * 2, 16_384));
        larger.set(this.#buffer.subarray(0, this.#size));
        this.#buffer = larger;
      }
      this.#buffer.set(chunk, this.#size);
    }
    this.#size = size;
  }

  clear(): void {
    this.#buffer = new Uint8Array();
    this.#size = 0;
  }

  whole(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#size);
  }
}
