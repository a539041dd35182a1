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
/** What Amazon SES and Postal get as raw MIME, and what that holds in base64. */
export const rawMime = (text: string): string => {
  const raw = /"Raw":\{"Data":"([^"]*)"|"mail_from":.*"data":"([^"]*)"/s.exec(text)?.slice(1).find(Boolean);
  if (raw === undefined) return text;
  const mime = Buffer.from(raw, "base64").toString();
  const parts = mime
    .split("\r\n\r\n")
    .map((part) => Buffer.from(part.split("\r\n--")[0] ?? "", "base64").toString());
  return [text, mime, ...parts].join("\n");
};
/** Bodies with escapes of JSON and forms undone, so that a value can be looked for. */
export const plainText = (text: string): string => {
  const decoded = /^[\w%.+:*-]+=/.test(text) ? decodeURIComponent(text.replaceAll("+", " ")) : text;
  return decoded.replaceAll("\\", "");
};
