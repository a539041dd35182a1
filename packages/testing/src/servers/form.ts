import { parseMultipartBody } from "@posthorn/core/webhooks";
import type { RawRequest } from "./http-parser.js";

/** More than any request has: some providers take a part for each of a thousand recipients. */
const MAX_PARTS = 100_000;

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
  const parts = parseMultipartBody(request.body, request.headers["content-type"] ?? "", MAX_PARTS);
  if (!parts) {
    for (const [name, value] of new URLSearchParams(request.body.toString("utf8"))) add(name, value);
    return fields;
  }
  for (const { name, filename, contentType, bytes } of parts) {
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    add(
      name,
      filename === null
        ? content.toString("utf8")
        : { filename, contentType: contentType ?? "application/octet-stream", content },
    );
  }
  return fields;
}
