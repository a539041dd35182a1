import { type JsonText, LargeText } from "../message/content.js";
import type { JsonValue } from "../message/json.js";

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
  | { readonly name: string; readonly filename: string; readonly content: Blob };

/** The body of a provider request. */
export type RequestBody =
  | { readonly json: JsonBody }
  | { readonly form: readonly (readonly [name: string, value: string])[] }
  | { readonly multipart: readonly FormPart[] };

/** A body as `fetch` takes it. */
export interface EncodedBody {
  readonly body: string | Blob | FormData;
  /** Absent for multipart forms: the platform adds it with its boundary. */
  readonly contentType: string | undefined;
}

/** Writes a body for the wire. */
export function encodeBody(body: RequestBody): EncodedBody {
  if ("json" in body) return { body: encodeJson(body.json), contentType: "application/json" };
  if ("form" in body) {
    return {
      body: String(new URLSearchParams(body.form.map(([name, value]) => [name, value]))),
      contentType: "application/x-www-form-urlencoded",
    };
  }
  const form = new FormData();
  for (const part of body.multipart) {
    if ("filename" in part) form.append(part.name, part.content, part.filename);
    else form.append(part[0], part[1]);
  }
  return { body: form, contentType: undefined };
}

/** JSON as text; as a blob with the large texts spliced in, where there are any. */
export function encodeJson(value: JsonBody): string | Blob {
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
  const pieces = text.split(token);
  return new Blob(pieces.flatMap((piece, index) => [piece, large[index]?.blob ?? ""]));
}

/** A body as text for people: files and large texts by their size. */
export function describeBody(body: RequestBody): string {
  if ("json" in body) {
    return JSON.stringify(
      body.json,
      (_key, member: unknown) => (member instanceof LargeText ? `[${member.blob.size} bytes]` : member),
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
