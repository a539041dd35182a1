import { type JsonText, LargeText } from "../message/content.js";
import type { JsonValue } from "../message/json.js";
import { type Piece, Pieces } from "../message/pieces.js";

/** A value for a JSON request body: JSON, but texts may be large and members may be `undefined`, which leaves them out. */
export type JsonBody =
  | JsonValue
  | JsonText
  | undefined
  | readonly JsonBody[]
  | { readonly [key: string]: JsonBody };

/** A part of a multipart form. */
export type FormPart =
  | readonly [name: string, value: string]
  | {
      readonly name: string;
      readonly filename: string;
      readonly contentType: string;
      readonly content: Pieces;
    };

/** The body of a provider request. */
export type RequestBody =
  | { readonly json: JsonBody }
  | { readonly form: readonly (readonly [name: string, value: string])[] }
  | { readonly multipart: readonly FormPart[] };

/** A body on its way to `fetch`. */
export interface EncodedBody {
  readonly body: string | Pieces;
  readonly contentType: string;
}

/** Writes a body for the wire. */
export function encodeBody(body: RequestBody): EncodedBody {
  if ("json" in body) return { body: encodeJson(body.json), contentType: "application/json" };
  if ("multipart" in body) return encodeMultipart(body.multipart);
  return {
    body: String(new URLSearchParams(body.form.map(([name, value]) => [name, value]))),
    contentType: "application/x-www-form-urlencoded",
  };
}

/**
 * As `FormData` is sent, which runtimes copy once more.
 *
 * @see https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
 */
function encodeMultipart(parts: readonly FormPart[]): EncodedBody {
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

function utf8(text: string): Piece {
  return new TextEncoder().encode(text);
}

/** JSON as text; in pieces with the large texts spliced in, where there are any. */
export function encodeJson(value: JsonBody): string | Pieces {
  const large: LargeText[] = [];
  let token: string | undefined;
  const text = JSON.stringify(value, (_key, member: unknown) => {
    if (!(member instanceof LargeText)) return member;
    // Random, so that no text of a message can be taken for it.
    token ??= crypto.randomUUID();
    large.push(member);
    return token;
  });
  if (token === undefined) return text;
  return new Pieces(
    text.split(token).flatMap((piece, index) => [utf8(piece), ...(large[index]?.pieces.parts ?? [])]),
  );
}

/** A body as text for people: files and large texts by their size. */
export function describeBody(body: RequestBody): string {
  if ("json" in body) {
    return JSON.stringify(
      body.json,
      (_key, member: unknown) => (member instanceof LargeText ? `[${member.pieces.size} bytes]` : member),
      2,
    );
  }
  const parts = "form" in body ? body.form : body.multipart;
  return parts
    .map((part) =>
      "filename" in part
        ? `${part.name}: [file "${part.filename}", ${part.content.size} bytes]`
        : `${part[0]}: ${part[1]}`,
    )
    .join("\n");
}
