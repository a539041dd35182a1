import type { RawRequest } from "../servers/http-parser.js";

/** A request's JSON body, or nothing where it has none. */
export type Body = Readonly<Record<string, unknown>> | readonly unknown[] | undefined;

/** Reads a request's JSON body. */
export function jsonOf(request: RawRequest): Body {
  try {
    return JSON.parse(request.body.toString()) as Body;
  } catch {
    return undefined;
  }
}
/** What Amazon SES gets as raw MIME, and what that holds in base64. */
export const rawMime = (text: string): string => {
  const start = text.indexOf('"Raw":{"Data":"');
  if (start < 0) return text;
  const raw = text.slice(start + 15, text.indexOf('"', start + 15));
  const mime = Buffer.from(raw, "base64").toString();
  const parts = mime
    .split("\r\n\r\n")
    .map((part) => Buffer.from(part.split("\r\n--")[0] ?? "", "base64").toString());
  return [mime, ...parts].join("\n");
};
/** Bodies with escapes of JSON and forms undone, so that a value can be looked for. */
export const plainText = (text: string): string => {
  const decoded = /^[\w%.+:*-]+=/.test(text) ? decodeURIComponent(text.replaceAll("+", " ")) : text;
  return decoded.replaceAll("\\", "");
};
