import { isBlob } from "../bytes/chunks.js";
import type { Attachment, AttachmentInput } from "./attachment.js";
import { readAttachment } from "./attachment.js";
import { toJson } from "./json.js";

/**
 * A copy of a message that JSON can hold, to be queued and read back: contents become base64 strings, dates ISO strings. Streams
 * are read to their end; bodies that are promises are awaited.
 *
 * @throws SerializationError for a value that JSON cannot hold
 * @throws InvalidMessageError for an attachment that cannot be read
 */
export async function serializeMessage<M extends object>(message: M): Promise<M> {
  const attachments: AttachmentInput[] = [];
  const given = (message as { readonly attachments?: readonly AttachmentInput[] | null }).attachments ?? [];
  for (const [index, attachment] of given.entries())
    attachments.push(await serializeAttachment(attachment, `attachments[${index}]`));
  const plain: Record<string, unknown> = {};
  for (const [field, value] of Object.entries({ ...message, attachments: undefined })) {
    const settled: unknown = await value;
    if (settled !== undefined) plain[field] = toJson(settled, field);
  }
  return (attachments.length > 0 ? { ...plain, attachments } : plain) as M;
}

async function serializeAttachment(attachment: AttachmentInput, field: string): Promise<AttachmentInput> {
  const { content } = attachment;
  if (typeof content === "string") return { ...attachment };
  const blob = isBlob(content) ? (content as Blob & { readonly name?: unknown }) : undefined;
  const name = typeof blob?.name === "string" ? { filename: blob.name } : {};
  const type = blob && blob.type !== "" ? { contentType: blob.type } : {};
  const read = await readAttachment(attachment, field, "base64");
  return { ...name, ...type, ...attachment, content: await base64String(read), encoding: "base64" };
}

/** The content of an attachment in base64, as one string however large. */
export async function base64String({ content }: Attachment): Promise<string> {
  const base64 = content.base64();
  return typeof base64 === "string" ? base64 : base64.pieces.blob().text();
}
