import type { Attachment } from "./attachment.js";
import { decodeBase64, encodeBase64Text } from "./base64.js";
import type { JsonText } from "./content.js";

/** The content of an attachment in base64, text turned into UTF-8: for APIs that take no charset and assume that one. */
export function utf8Base64({ content, contentType, mimeType }: Attachment): JsonText {
  const base64 = content.base64();
  const charset = /charset="?([^";]+)/i.exec(contentType)?.[1]?.toLowerCase();
  if (!mimeType.startsWith("text/") || !charset || charset === "utf-8" || typeof base64 !== "string")
    return base64;
  return encodeBase64Text(new TextDecoder(charset).decode(decodeBase64(base64)));
}
