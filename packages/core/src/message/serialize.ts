import { isBlob } from "../bytes/chunks.js";
import type { Attachment, AttachmentInput } from "./attachment.js";
import { readAttachment } from "./attachment.js";
import { toJson } from "./json.js";
import type { Message } from "./message.js";

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
  if (typeof content === "string") return { encoding: "utf-8", ...attachment };
  const blob = isBlob(content) ? (content as Blob & { readonly name?: unknown }) : undefined;
  const name = typeof blob?.name === "string" ? { filename: blob.name } : {};
  const type = blob && blob.type !== "" ? { contentType: blob.type } : {};
  const read = await readAttachment(attachment, field, "base64");
  return { ...name, ...type, ...attachment, content: await base64String(read), encoding: "base64" };
}

/** The content of an attachment in base64, as one string however large. */
async function base64String({ content }: Attachment): Promise<string> {
  const base64 = content.base64();
  return typeof base64 === "string" ? base64 : base64.pieces.blob().text();
}

/** Puts bytes of a message elsewhere. @returns what `attachMessage` is to find them by; `undefined` to keep them in the message */
export type PutContent = (
  bytes: Uint8Array,
  info: { readonly path: string; readonly kind: "attachment" },
) => Promise<string | undefined>;

/** In place of a content that was put elsewhere. */
const REFERENCE = "posthorn:content:";

/**
 * {@link serializeMessage}, with the contents of attachments handed out as bytes: for a queue that keeps them apart.
 *
 * @throws SerializationError for a value that JSON cannot hold
 * @throws InvalidMessageError for an attachment that cannot be read
 * @example
 * ```ts
 * const plain = await detachMessage(message, (bytes, { path }) => bucket.put(path, bytes));
 * const again = await attachMessage(plain, (reference) => bucket.get(reference));
 * ```
 */
export async function detachMessage(message: Message, put: PutContent): Promise<Message> {
  const plain = await serializeMessage({ ...message, attachments: undefined });
  const attachments: AttachmentInput[] = [];
  for (const [index, attachment] of [message.attachments ?? []].flat().entries()) {
    const path = `attachments[${index}]`;
    const { content, ...rest } = await serializeAttachment(attachment, path);
    const bytes = (await readAttachment({ ...rest, content }, path, "raw")).content.raw();
    const reference = await put(new Uint8Array(await bytes.blob().arrayBuffer()), {
      path,
      kind: "attachment",
    });
    attachments.push(
      reference === undefined
        ? { ...rest, content }
        : { ...rest, content: REFERENCE + reference, encoding: undefined },
    );
  }
  return attachments.length > 0 ? { ...plain, attachments } : plain;
}

/**
 * A message from {@link detachMessage} with its contents again.
 *
 * @param get gives the bytes that were put by a reference
 */
export async function attachMessage(
  plain: Message,
  get: (reference: string) => Promise<Uint8Array>,
): Promise<Message> {
  if (!plain.attachments) return plain;
  const attachments: AttachmentInput[] = [];
  for (const attachment of plain.attachments) {
    const { content } = attachment;
    const isReference = typeof content === "string" && content.startsWith(REFERENCE) && !attachment.encoding;
    attachments.push(
      isReference ? { ...attachment, content: await get(content.slice(REFERENCE.length)) } : attachment,
    );
  }
  return { ...plain, attachments };
}
