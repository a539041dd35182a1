import type { RawRequest } from "./http-parser.js";

/** A file of a multipart form. */
export interface FormFile {
  readonly filename: string;
  readonly contentType: string;
  readonly content: Buffer;
}

/** The fields of a form body, urlencoded or multipart (RFC 7578), each with all its values. */
export function parseForm(request: RawRequest): ReadonlyMap<string, readonly (string | FormFile)[]> {
  const fields = new Map<string, (string | FormFile)[]>();
  const add = (name: string, value: string | FormFile): void => {
    fields.set(name, [...(fields.get(name) ?? []), value]);
  };
  const type = request.headers["content-type"] ?? "";
  const boundary = /boundary="?([^";]+)/.exec(type)?.[1];
  if (!boundary) {
    for (const [name, value] of new URLSearchParams(request.body.toString("utf8"))) add(name, value);
    return fields;
  }
  for (const part of splitParts(request.body, boundary)) {
    const end = part.indexOf("\r\n\r\n");
    const head = part.subarray(0, end).toString("utf8");
    const content = part.subarray(end + 4);
    const name = /name="([^"]*)"/.exec(head)?.[1] ?? "";
    const filename = /filename="([^"]*)"/.exec(head)?.[1];
    const contentType = /content-type: *([^\r\n]+)/i.exec(head)?.[1] ?? "application/octet-stream";
    add(name, filename === undefined ? content.toString("utf8") : { filename, contentType, content });
  }
  return fields;
}

function splitParts(body: Buffer, boundary: string): Buffer[] {
  const parts: Buffer[] = [];
  const mark = Buffer.from(`--${boundary}`);
  let at = body.indexOf(mark);
  for (;;) {
    const next = body.indexOf(mark, at + mark.length);
    if (at < 0 || next < 0) return parts;
    parts.push(body.subarray(at + mark.length + 2, next - 2));
    at = next;
  }
}
