import { messageOf } from "./content.js";
import {
  type Address,
  buildMime,
  decodeBase64,
  encodedAddress,
  encodeMime,
  normalizeMessage,
} from "./core.js";
import { messageIdOf, type StoredMessage } from "./stored-message.js";

/** A message in MIME (RFC 5322): as it came by SMTP, or made of its fields. */
export async function sourceOf(stored: StoredMessage): Promise<Uint8Array<ArrayBuffer>> {
  if (stored.source !== undefined) return decodeBase64(stored.source) as Uint8Array<ArrayBuffer>;
  const message = await normalizeMessage(messageOf(stored.message), "base64", true);
  const own = new Set(message.headers.map(([name]) => name.toLowerCase()));
  const headers: readonly (readonly [string, string])[] = [
    ["Date", new Date(stored.receivedAt).toUTCString().replace("GMT", "+0000")],
    ["Message-ID", messageIdOf(stored.id)],
  ];
  const bcc: readonly (readonly [string, string])[] =
    message.bcc.length > 0
      ? [["Bcc", message.bcc.map((address: Address) => encodedAddress(address)).join(", ")]]
      : [];
  const mime = buildMime(message, [
    ...headers.filter(([name]) => !own.has(name.toLowerCase())),
    ...bcc,
    ...message.headers.map(([name, value]) => [name, String(value)] as const),
  ]);
  const encoded = await encodeMime(mime);
  return decodeBase64(
    typeof encoded === "string" ? encoded : await encoded.pieces.blob().text(),
  ) as Uint8Array<ArrayBuffer>;
}
