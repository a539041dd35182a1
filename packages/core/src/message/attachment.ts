import { decodeBase64, encodeBase64String } from "../bytes/base64.js";
import { typeOfName } from "../bytes/mime-types.js";
import { InvalidMessageError, PosthornError } from "../errors.js";
import {
  type AttachmentContent,
  type AttachmentEncoding,
  type ContentInput,
  type JsonString,
  readContent,
} from "./content.js";
import { hasControl } from "./text.js";

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
  if (typeof input !== "object" || input === null) throw fail("is not an attachment: { filename, content }");
  for (const key of Object.keys(input)) {
    if (!KNOWN.has(key))
      throw fail(`is not a field of attachments; known are ${[...KNOWN].join(", ")}`, `${field}.${key}`);
  }
  const filename = input.filename ?? fileName(input.content);
  const contentId = input.contentId?.replace(/^<(.*)>$/, "$1");
  const baseType = input.contentType ?? blobType(input.content) ?? guessType(filename, input.content);
  for (const [part, text] of Object.entries({
    filename,
    contentId,
    contentType: baseType,
    charset: input.charset,
  })) {
    if (text === undefined || text === null) continue;
    if (typeof text !== "string") throw fail("is not text", `${field}.${part}`);
    if (hasControl(text)) throw fail("holds a control character or line break", `${field}.${part}`);
  }
  const mimeType = (baseType.split(";")[0] ?? "").trim().toLowerCase();
  if (!/^[^\s/;]+\/[^\s/;]+$/.test(mimeType))
    throw fail(`is not a MIME type: "${baseType}"`, `${field}.contentType`);
  if (input.disposition === "inline" && !contentId) {
    throw fail("is needed for an inline attachment: the HTML refers to it as cid:…", `${field}.contentId`);
  }
  const inline = Boolean(contentId) && input.disposition !== "attachment";
  try {
    return {
      filename: filename ? filename : undefined,
      content: await readContent(input.content, input.encoding ?? "utf-8", form),
      mimeType,
      contentType: input.charset ? `${baseType}; charset="${input.charset}"` : baseType,
      contentId: inline ? contentId : undefined,
      inline,
    };
  } catch (error) {
    if (error instanceof PosthornError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidMessageError(`"${field}.content" cannot be read: ${reason}`, {
      field: `${field}.content`,
      cause: error,
    });
  }
}

function fileName(content: ContentInput): string | undefined {
  return content instanceof Blob && "name" in content && typeof content.name === "string"
    ? content.name
    : undefined;
}

function blobType(content: ContentInput): string | undefined {
  return content instanceof Blob && content.type !== "" ? content.type : undefined;
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
