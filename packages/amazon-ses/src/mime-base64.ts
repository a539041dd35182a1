import { encodeBase64Text, type JsonText, LargeText } from "@posthorn/core";
import { readPieces } from "./pieces.js";

/** ASCII in pieces. A large text among them is base64 that is yet to be wrapped, so that it is not held twice. */
export type Pieces = readonly JsonText[];

/** Lines of 76 characters (RFC 2045 section 6.8). */
export function wrap(base64: string): string {
  return base64.replace(/.{1,76}/g, "$&\r\n");
}

/** Base64 of the whole. */
export async function encodePieces(pieces: Pieces): Promise<JsonText> {
  if (pieces.every((piece) => typeof piece === "string")) return encodeBase64Text(pieces.join(""));
  const encoded: Blob[] = [];
  let rest = "";
  for await (const text of texts(pieces)) {
    rest += text;
    const end = rest.length - (rest.length % 3);
    encoded.push(new Blob([encodeBase64Text(rest.slice(0, end))]));
    rest = rest.slice(end);
  }
  return new LargeText(new Blob([...encoded, encodeBase64Text(rest)]));
}

async function* texts(pieces: Pieces): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  for (const piece of pieces) {
    if (typeof piece === "string") yield piece;
    else for await (const bytes of readPieces(piece.blob)) yield wrap(decoder.decode(bytes));
  }
}
