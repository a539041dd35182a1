import { WebhookRequestError } from "../errors.js";

/** One part of a form. */
export interface FormField {
  readonly name: string;
  /** The file name, where the part is a file. */
  readonly filename: string | null;
  readonly contentType: string | null;
  readonly bytes: Uint8Array;
}

const CRLF = [13, 10] as const;
const MAX_PART_HEADERS = 16_384;

/**
 * Reads `multipart/form-data` from bytes. The platform's `formData()` decodes every text as UTF-8, and some providers
 * post texts in other charsets, so the parts are kept as bytes.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7578 and https://www.rfc-editor.org/rfc/rfc2046#section-5.1
 * @throws WebhookRequestError for more parts than allowed, or a form that ends in the middle
 */
export function parseMultipart(body: Uint8Array, boundary: string, maxParts: number): readonly FormField[] {
  const delimiter = new TextEncoder().encode(`--${boundary}`);
  const fields: FormField[] = [];
  let at = nextDelimiter(body, delimiter, 0);
  if (at < 0) throw broken("does not hold the boundary that its content type names");
  for (;;) {
    at += delimiter.length;
    if (body[at] === 45 && body[at + 1] === 45) return fields;
    const start = indexOf(body, CRLF, at) + 2;
    const end = nextDelimiter(body, delimiter, start);
    if (start < 2 || end < 0) throw broken("ends in the middle of a part");
    if (fields.length >= maxParts) {
      throw new WebhookRequestError(`the form has more than ${maxParts} parts`, { status: 413 });
    }
    fields.push(readPart(body.subarray(start, Math.max(start, end - 2))));
    at = end;
  }
}

function readPart(part: Uint8Array): FormField {
  // A part without headers begins with the empty line.
  const bare = part[0] === 13 && part[1] === 10;
  const end = bare ? 0 : indexOf(part, [13, 10, 13, 10], 0);
  if (end < 0 || end > MAX_PART_HEADERS) throw broken("has a part whose headers do not end");
  const headers = new TextDecoder().decode(part.subarray(0, end)).replace(/\r\n[ \t]+/g, " ");
  const disposition = header(headers, "content-disposition") ?? "";
  return {
    name: parameter(disposition, "name") ?? "",
    filename: parameter(disposition, "filename"),
    contentType: header(headers, "content-type"),
    bytes: part.subarray(end + (bare ? 2 : 4)),
  };
}

function header(headers: string, name: string): string | null {
  for (const line of headers.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return null;
}

/** A parameter of a header value, its quotes and the escapes of browsers undone. */
export function parameter(value: string, name: string): string | null {
  const found = new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, "i").exec(value);
  if (!found) return null;
  if (found[1] === undefined) return found[2] ?? null;
  return found[1]
    .replace(/\\(["\\])/g, "$1")
    .replace(/%(22|0D|0A)/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Where the next delimiter begins: at the start of a line, and not that of a longer boundary. */
function nextDelimiter(body: Uint8Array, delimiter: Uint8Array, from: number): number {
  for (let at = indexOf(body, delimiter, from); at >= 0; at = indexOf(body, delimiter, at + 1)) {
    const startsLine = at === 0 || (body[at - 2] === 13 && body[at - 1] === 10);
    if (startsLine && endsHere(body, at + delimiter.length)) return at;
  }
  return -1;
}

/** Whether a delimiter's line ends, or the form: `--`, white space, a line end. */
function endsHere(body: Uint8Array, at: number): boolean {
  const next = body[at];
  return next === 13 || next === 32 || next === 9 || (next === 45 && body[at + 1] === 45);
}

function indexOf(body: Uint8Array, needle: ArrayLike<number>, from: number): number {
  const last = body.length - needle.length;
  // `indexOf` of the first byte is native, and fast.
  for (
    let at = body.indexOf(needle[0] as number, from);
    at >= 0 && at <= last;
    at = body.indexOf(needle[0] as number, at + 1)
  ) {
    let length = 1;
    while (length < needle.length && body[at + length] === needle[length]) length++;
    if (length === needle.length) return at;
  }
  return -1;
}

function broken(why: string): WebhookRequestError {
  return new WebhookRequestError(`the form ${why}`, { status: 400 });
}
