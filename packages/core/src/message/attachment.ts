import { decodeBase64, encodeBase64String } from "../bytes/base64.js";
import { isBlob } from "../bytes/chunks.js";
import { typeOfName } from "../bytes/mime-types.js";
import { InvalidMessageError, PosthornError, reasonOf } from "../errors.js";
import {
  type AttachmentContent,
  type AttachmentEncoding,
  type ContentInput,
  type JsonString,
  readContent,
} from "./content.js";
import { hasControl, wellFormed } from "./text.js";

/** An attachment as a caller gives it. */
export interface AttachmentInput {
  /** The file's name; a `File` has its own. */
  readonly filename?: string | null | undefined;
  readonly content: ContentInput;
  /** What a `content` given as text is: `utf-8` (the text itself, the default) or `base64`. */
  readonly encoding?: "utf-8" | "base64" | undefined;
  /** MIME type; taken from the blob or the file's name when absent. */
  readonly contentType?: string | null | undefined;
  /** Charset parameter of the content type. */
  readonly charset?: string | null | undefined;
  /** Makes the attachment inline: the HTML body refers to it as `cid:…`. */
  readonly contentId?: string | null | undefined;
  readonly disposition?: "attachment" | "inline" | null | undefined;
}

/** An attachment, its content read. */
export interface Attachment {
  readonly filename: string | undefined;
  readonly content: AttachmentContent;
  /** MIME type without parameters. */
  readonly mimeType: string;
  /** MIME type with its parameters. */
  readonly contentType: string;
  /** Content-ID without angle brackets; only inline attachments have one. */
  readonly contentId: string | undefined;
  readonly inline: boolean;
}

const KNOWN: ReadonlySet<string> = new Set([
  "filename",
  "content",
  "encoding",
  "contentType",
  "charset",
  "contentId",
  "disposition",
]);

/**
 * Reads an attachment.
 *
 * @param field path of the attachment in the message, named in errors
 * @param form how the provider will want the content, so that a stream is kept only once
 * @throws InvalidMessageError when a part is of the wrong form, or the content cannot be read
 */
export async function readAttachment(
  input: AttachmentInput,
  field: string,
  form: AttachmentEncoding,
): Promise<Attachment> {
  const fail = (why: string, part = field): InvalidMessageError =>
    new InvalidMessageError(`"${part}" ${why}`, { field: part });
  if (typeof input !== "object" || input === null) throw fail("must be an attachment: { filename, content }");
  for (const key of Object.keys(input)) {
    if (!KNOWN.has(key))
      throw fail(`is not a field of attachments. Valid fields: ${[...KNOWN].join(", ")}`, `${field}.${key}`);
  }
  const { content, disposition, encoding = "utf-8" } = input;
  const text = (part: "filename" | "contentId" | "contentType" | "charset"): string | undefined => {
    const value = input[part] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw fail("must be a string", `${field}.${part}`);
    if (hasControl(value)) throw fail("must not have control characters or line breaks", `${field}.${part}`);
    return wellFormed(value);
  };
  const oneOf = (part: string, value: unknown, values: readonly string[]): void => {
    if (value !== undefined && value !== null && !values.includes(String(value)))
      throw fail(`must be one of "${values.join('", "')}"`, `${field}.${part}`);
  };
  oneOf("encoding", encoding, ["utf-8", "base64"]);
  oneOf("disposition", disposition, ["attachment", "inline"]);
  const blob = isBlob(content) ? (content as Blob & { readonly name?: string }) : undefined;
  const filename = text("filename") ?? blob?.name;
  // As in the message's source, and as HTML refers to it.
  const contentId = text("contentId")?.replace(/^(?:cid:)?<?|>$/gi, "");
  const charset = text("charset");
  const baseType = text("contentType") ?? (blob?.type || guessType(filename, content));
  const mimeType = (baseType.split(";")[0] ?? "").trim().toLowerCase();
  if (!/^[^\s/;]+\/[^\s/;]+$/.test(mimeType))
    throw fail(`must be a MIME type, not "${baseType}"`, `${field}.contentType`);
  if (disposition === "inline" && !contentId) {
    throw fail("is required for an inline attachment: the HTML refers to it as cid:…", `${field}.contentId`);
  }
  const inline = Boolean(contentId) && disposition !== "attachment";
  try {
    return {
      filename: filename ? filename : undefined,
      content: await readContent(content, encoding ?? "utf-8", form),
      mimeType,
      contentType: charset ? `${baseType}; charset="${charset}"` : baseType,
      contentId: inline ? contentId : undefined,
      inline,
    };
  } catch (error) {
    if (error instanceof PosthornError) throw error;
    throw new InvalidMessageError(`"${field}.content" cannot be read: ${reasonOf(error)}`, {
      field: `${field}.content`,
      cause: error,
    });
  }
}

function guessType(filename: string | undefined, content: ContentInput): string {
  const known = filename === undefined ? undefined : typeOfName(filename);
  return known ?? (typeof content === "string" ? "text/plain" : "application/octet-stream");
}

/**
 * The parameters of an attachment's type, such as `method=REQUEST` of an invitation. Not its charset, nor its name, which is
 * the file's own.
 */
export function typeParameters({ contentType }: Attachment): readonly string[] {
  const parameters = contentType.match(/(?<=;\s*)[^\s=;"]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;"]*)/g) ?? [];
  return parameters.filter((parameter) => !/^(?:charset|name)\s*=/i.test(parameter));
}

/** The content of an attachment in base64, text turned into UTF-8: for APIs that take no charset and assume that one. */
export function utf8Base64({ content, contentType, mimeType }: Attachment): JsonString {
  const base64 = content.base64();
  const charset = /charset="?([^";]+)/i.exec(contentType)?.[1]?.toLowerCase();
  if (!mimeType.startsWith("text/") || !charset || charset === "utf-8" || typeof base64 !== "string")
    return base64;
  return encodeBase64String(new TextDecoder(charset).decode(decodeBase64(base64)));
}
