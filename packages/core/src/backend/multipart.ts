import { type Piece, Pieces, utf8 } from "../message/pieces.js";
import type { EncodedBody } from "./body.js";

/** A part of a multipart form. */
export type FormPart =
  | readonly [name: string, value: string]
  | {
      readonly name: string;
      readonly filename: string;
      readonly contentType: string;
      readonly content: Pieces;
    };

/** A multipart form as a request's body. */
export interface MultipartBody {
  readonly multipart: readonly FormPart[];
  /** {@link encodeMultipart}: part of the body, so that the bundles of providers without forms go without it. */
  readonly encode: (parts: readonly FormPart[]) => EncodedBody;
}

/**
 * Writes a form as `FormData` would be sent, but without copies of its files: `fetch` makes some.
 *
 * @see https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
 */
export function encodeMultipart(parts: readonly FormPart[]): EncodedBody {
  const boundary = `posthorn-${crypto.randomUUID()}`;
  const pieces: Piece[] = [];
  let text = "";
  for (const part of parts) {
    const [name, value] = "filename" in part ? [part.name] : part;
    text += `--${boundary}\r\nContent-Disposition: form-data; name="${quote(lines(name))}"`;
    if ("filename" in part) {
      text += `; filename="${quote(part.filename)}"\r\nContent-Type: ${part.contentType}\r\n\r\n`;
      pieces.push(utf8(text), ...part.content.parts);
      text = "\r\n";
    } else {
      text += `\r\n\r\n${lines(value ?? "")}\r\n`;
    }
  }
  pieces.push(utf8(`${text}--${boundary}--\r\n`));
  return { body: new Pieces(pieces), contentType: `multipart/form-data; boundary=${boundary}` };
}

function lines(text: string): string {
  return text.replace(/\r?\n|\r/g, "\r\n");
}

function quote(text: string): string {
  return text.replace(/[\r\n"]/g, encodeURIComponent);
}
