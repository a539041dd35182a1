import { ByteChunks, utf8 } from "../bytes/chunks.js";
import { isLargeString, type LargeString } from "../message/content.js";
import type { JsonBody } from "../message/json.js";

/** A part of a multipart form. */
export type FormPart =
  | readonly [name: string, value: string]
  | {
      readonly name: string;
      readonly filename: string;
      readonly contentType: string;
      readonly content: ByteChunks;
    };

/** A multipart form as a request's body. */
interface MultipartBody {
  readonly multipart: readonly FormPart[];
  /** {@link encodeMultipart}: part of the body, so that the bundles of providers without forms go without it. */
  readonly encode: (parts: readonly FormPart[]) => EncodedBody;
}

/** The body of a provider request. */
export type RequestBody =
  | { readonly json: JsonBody }
  | { readonly form: readonly (readonly [name: string, value: string])[] }
  | MultipartBody;

/** A body on its way to `fetch`. */
export interface EncodedBody {
  readonly body: string | ByteChunks;
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
export function encodeJson(value: JsonBody): string | ByteChunks {
  const large: LargeString[] = [];
  let token: string | undefined;
  const text = JSON.stringify(value, (_key, member: unknown) => {
    if (!isLargeString(member)) return member;
    // Random, so that no text of a message can be taken for it.
    token ??= crypto.randomUUID();
    large.push(member);
    return token;
  });
  if (token === undefined) return text;
  return new ByteChunks(
    text.split(token).flatMap((piece, index) => [utf8(piece), ...(large[index]?.pieces.parts ?? [])]),
  );
}

/** A body as text for people: files and large texts by their size. */
export function describeBody(body: RequestBody): string {
  if ("json" in body) {
    return JSON.stringify(
      body.json,
      (_key, member: unknown) => (isLargeString(member) ? `[${member.pieces.size} bytes]` : member),
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
