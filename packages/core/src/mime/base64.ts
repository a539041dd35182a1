import { encodeBase64String } from "../bytes/base64.js";
import { ByteChunks } from "../bytes/chunks.js";
import { readPieces } from "../bytes/pieces.js";
import { type JsonString, LargeString } from "../message/content.js";

/** ASCII in pieces. A large text among them is base64 that is yet to be wrapped, so that it is not held twice. */
export type MimeText = readonly JsonString[];

/** Characters of a line (RFC 2045 section 6.8). */
const LINE = 76;

/** Lines of base64. */
export function wrap(base64: string): string {
  return base64.replace(/.{1,76}/g, "$&\r\n");
}

/** Base64 of the whole. */
export async function encodeMime(mime: MimeText): Promise<JsonString> {
  if (mime.every((text) => typeof text === "string")) return encodeBase64String(mime.join(""));
  const ascii = new TextEncoder();
  const encoded: Uint8Array<ArrayBuffer>[] = [];
  let rest = "";
  for await (const text of texts(mime)) {
    rest += text;
    const end = rest.length - (rest.length % 3);
    encoded.push(ascii.encode(encodeBase64String(rest.slice(0, end))));
    rest = rest.slice(end);
  }
  return new LargeString(new ByteChunks([...encoded, ascii.encode(encodeBase64String(rest))]));
}

async function* texts(mime: MimeText): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  for (const text of mime) {
    if (typeof text === "string") {
      yield text;
      continue;
    }
    let rest = "";
    for await (const bytes of readPieces(text.pieces)) {
      rest += decoder.decode(bytes);
      const end = rest.length - (rest.length % LINE);
      yield wrap(rest.slice(0, end));
      rest = rest.slice(end);
    }
    yield wrap(rest);
  }
}
