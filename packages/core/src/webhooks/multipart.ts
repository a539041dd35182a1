import { WebhookRequestError } from "../errors.js";
import { parseStructured } from "./parameters.js";

/** One part of a form. */
export interface FormField {
  readonly name: string;
  /** The file name, where the part is a file: as it was sent, so not to be used as a path. Empty where it names none. */
  readonly filename: string | null;
  readonly contentType: string | null;
  readonly bytes: Uint8Array;
}

const [CR, LF, DASH, SPACE, TAB] = [13, 10, 45, 32, 9];
const MAX_PART_HEADERS = 16_384;
/** RFC 2046 section 5.1.1. */
const MAX_BOUNDARY = 70;

/**
 * Reads `multipart/form-data` from bytes, in time that grows with their number alone. The platform's `formData()` decodes
 * every text as UTF-8, and some providers post texts in other charsets, so the parts are kept as bytes.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7578 and https://www.rfc-editor.org/rfc/rfc2046#section-5.1
 * @throws WebhookRequestError for more parts than allowed, a boundary of more than 70 characters, or a form that ends in the
 * middle
 */
function parseMultipart(body: Uint8Array, boundary: string, maxParts: number): readonly FormField[] {
  if (boundary.length > MAX_BOUNDARY) throw broken(`has a boundary of more than ${MAX_BOUNDARY} characters`);
  const delimiter = new TextEncoder().encode(`--${boundary}`);
  const fields: FormField[] = [];
  let at = nextDelimiter(body, delimiter, 0);
  if (at < 0) throw broken("does not hold the boundary that its content type names");
  for (;;) {
    at += delimiter.length;
    if (body[at] === DASH && body[at + 1] === DASH) return fields;
    const start = body.indexOf(LF, at) + 1;
    const end = start === 0 ? -1 : nextDelimiter(body, delimiter, start);
    if (end < 0) throw broken("ends in the middle of a part");
    if (fields.length >= maxParts) {
      throw new WebhookRequestError(`the form has more than ${maxParts} parts`, { status: 413 });
    }
    fields.push(readPart(body.subarray(start, Math.max(start, end - 2))));
    at = end;
  }
}

/** Reads the form of a body by its content type; `undefined` where that is none of `multipart/form-data`. */
export function parseMultipartBody(
  body: Uint8Array,
  contentType: string,
  maxParts = 1000,
): readonly FormField[] | undefined {
  const { value, parameters } = parseStructured(contentType);
  if (value !== "multipart/form-data") return undefined;
  const boundary = parameters.get("boundary");
  if (!boundary) throw new WebhookRequestError("the form's content type names no boundary", { status: 400 });
  return parseMultipart(body, boundary, maxParts);
}

function readPart(part: Uint8Array): FormField {
  const end = endOfHeaders(part);
  if (end === undefined) throw broken("has a part whose headers do not end");
  const headers = new TextDecoder().decode(part.subarray(0, end.headers)).replace(/\r\n[ \t]+/g, " ");
  const disposition = header(headers, "content-disposition") ?? "";
  const name = parameter(disposition, "name") ?? "";
  const contentType = header(headers, "content-type");
  const filename = parameter(disposition, "filename") ?? (isFile(contentType) ? "" : null);
  return { name, filename, contentType, bytes: part.subarray(end.body) };
}

/** Whether a part without a file name is a file all the same: texts are `text/plain`, if they say anything. */
function isFile(contentType: string | null): boolean {
  return contentType !== null && !/^\s*(?:text\/|application\/json\b)/i.test(contentType);
}

/** The empty line that ends the headers of a part, which begins with it where it has none. */
function endOfHeaders(part: Uint8Array): { headers: number; body: number } | undefined {
  if (part[0] === CR && part[1] === LF) return { headers: 0, body: 2 };
  const last = Math.min(part.length - 3, MAX_PART_HEADERS);
  for (let at = 0; at < last; at++) {
    if (part[at] === CR && part[at + 1] === LF && part[at + 2] === CR && part[at + 3] === LF) {
      return { headers: at, body: at + 4 };
    }
  }
  return undefined;
}

function header(headers: string, name: string): string | null {
  for (const line of headers.split("\r\n")) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return null;
}

/** A parameter of a header value of a form, the escapes of browsers undone. @see https://www.rfc-editor.org/rfc/rfc7578#section-4.2 */
function parameter(value: string, name: string): string | null {
  const found = parseStructured(value).parameters.get(name);
  return (
    found?.replace(/%(22|0D|0A)/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) ?? null
  );
}

/** Where the next delimiter begins: at the start of a line, and not that of a longer boundary. */
function nextDelimiter(body: Uint8Array, delimiter: Uint8Array, from: number): number {
  // Each line is looked at once: the body may be made of dashes, which all boundaries begin with.
  for (let line = from; line >= 0; line = nextLine(body, line)) {
    let length = 0;
    while (length < delimiter.length && body[line + length] === delimiter[length]) length++;
    if (length === delimiter.length && endsHere(body, line + length)) return line;
  }
  return -1;
}

/** Behind the next CRLF, or -1. */
function nextLine(body: Uint8Array, from: number): number {
  for (let at = lineFeedAt(body, from); at >= 0; at = lineFeedAt(body, at + 1)) {
    if (at > from && body[at - 1] === CR) return at + 1;
  }
  return -1;
}

/** The next line feed, or -1. A call of `indexOf` takes longer than a short line does, so it is for long ones alone. */
export function lineFeedAt(bytes: Uint8Array, from: number): number {
  const near = Math.min(from + 100, bytes.length);
  for (let at = from; at < near; at++) if (bytes[at] === LF) return at;
  return bytes.indexOf(LF, near);
}

/** Whether a delimiter's line ends, or the form: `--`, white space, a line end. */
function endsHere(body: Uint8Array, at: number): boolean {
  const next = body[at];
  return next === CR || next === SPACE || next === TAB || (next === DASH && body[at + 1] === DASH);
}

function broken(why: string): WebhookRequestError {
  return new WebhookRequestError(`the form ${why}`, { status: 400 });
}
