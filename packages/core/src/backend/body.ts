import { type JsonText, LargeText } from "../message/content.js";
import type { JsonValue } from "../message/json.js";
import { Pieces, utf8 } from "../message/pieces.js";
import type { MultipartBody } from "./multipart.js";

/** A value for a JSON request body: JSON, but texts may be large and members may be `undefined`, which leaves them out. */
export type JsonBody =
  | JsonValue
  | JsonText
  | undefined
  | readonly JsonBody[]
  | { readonly [key: string]: JsonBody };

/** The body of a provider request. */
export type RequestBody =
  | { readonly json: JsonBody }
  | { readonly form: readonly (readonly [name: string, value: string])[] }
  | MultipartBody;

/** A body on its way to `fetch`. */
export interface EncodedBody {
  readonly body: string | Pieces;
  readonly contentType: string;
}

/** Writes a body for the wire. */
export function encodeBody(body: RequestBody): EncodedBody {
  if ("json" in body) return { body: encodeJson(body.json), contentType: "application/json" };
  if ("multipart" in body) return body.encode(body.multipart);
  return {
    body: String(new URLSearchParams(body.form.map(([name, value]) => [name, value]))),
    contentType: "application/x-www-form-urlencoded",
  };
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
