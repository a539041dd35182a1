import { WebhookRequestError } from "../errors.js";
import { type FormField, parameter, parseMultipart } from "./multipart.js";

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

  /** @throws WebhookRequestError unless the body is JSON */
  json(): unknown {
    try {
      return JSON.parse(this.text());
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
    if (this.mediaType === "multipart/form-data") {
      const boundary = parameter(this.headers.get("content-type") ?? "", "boundary");
      if (!boundary)
        throw new WebhookRequestError("the form's content type names no boundary", { status: 400 });
      return parseMultipart(this.body, boundary, this.#maxParts);
    }
    if (!this.isForm) {
      throw new WebhookRequestError(`a form is expected, not "${this.mediaType}"`, { status: 415 });
    }
    const pairs = [...new URLSearchParams(this.text())];
    if (pairs.length > this.#maxParts) {
      throw new WebhookRequestError(`the form has more than ${this.#maxParts} parts`, { status: 413 });
    }
    const encoder = new TextEncoder();
    return pairs.map(([name, value]) => ({
      name,
      filename: null,
      contentType: null,
      bytes: encoder.encode(value),
    }));
  }
}

/** The fields of a form, in order. */
export class WebhookForm {
  readonly fields: readonly FormField[];

  constructor(fields: readonly FormField[]) {
    this.fields = fields;
  }

  /** The first field of a name that is no file. */
  field(name: string): FormField | undefined {
    return this.fields.find((field) => field.name === name && field.filename === null);
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
 * Reads the body of a request. Of one that is too large or takes too long nothing is kept.
 *
 * @throws WebhookRequestError 413, 408, or 400 when it breaks off
 */
export async function readPost(request: Request, limits: PostLimits): Promise<WebhookPost> {
  // Made when they are needed: an error notes the stack, which costs more than all the rest of reading a post.
  const tooLarge = (): WebhookRequestError =>
    new WebhookRequestError(`the body is larger than ${limits.maxBodyBytes} bytes`, { status: 413 });
  if (Number(request.headers.get("content-length") ?? 0) > limits.maxBodyBytes) throw tooLarge();
  if (request.bodyUsed) {
    throw new WebhookRequestError("the body was read before; give the handler the request as it came", {
      status: 500,
    });
  }
  if (!request.body) return new WebhookPost(request, new Uint8Array(), limits);
  const reader = request.body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new WebhookRequestError(`the body took longer than ${limits.timeout} ms`, { status: 408 }));
    }, limits.timeout);
  });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) break;
      size += value.byteLength;
      if (size > limits.maxBodyBytes + MAX_DISCARDED) throw tooLarge();
      // What is too much is read all the same: hosts whose body is dropped cut the connection, and the sender never sees the answer.
      if (size > limits.maxBodyBytes) chunks.length = 0;
      else chunks.push(value);
    }
  } catch (error) {
    // The reader may hang for ever, so its end is not waited for.
    reader.cancel(error).catch(() => {});
    if (size > limits.maxBodyBytes) throw tooLarge();
    if (error instanceof WebhookRequestError) throw error;
    throw new WebhookRequestError("the body broke off", { status: 400, cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (size > limits.maxBodyBytes) throw tooLarge();
  return new WebhookPost(request, concat(chunks, size), limits);
}

function concat(chunks: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}
