import { encodeBase64 } from "../bytes/base64.js";
import { InvalidMessageError } from "../errors.js";
import type { AttachmentInput } from "./attachment.js";
import { readStream } from "./content.js";
import { toJson } from "./json.js";
import type { Message } from "./message.js";

/**
 * A copy of a message that JSON can hold, to be queued and read back: contents become base64 texts, dates ISO texts.
 * Streams are read to their end.
 *
 * @throws SerializationError for a value that JSON cannot hold
 */
export async function serializeMessage(message: Message): Promise<Message> {
  const attachments: AttachmentInput[] = [];
  for (const attachment of message.attachments ?? []) attachments.push(await serializeAttachment(attachment));
  const plain = Object.fromEntries(
    Object.entries({ ...message, attachments: undefined })
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => [field, toJson(value, field)]),
  );
  return attachments.length > 0 ? { ...plain, attachments } : plain;
}

async function serializeAttachment(attachment: AttachmentInput): Promise<AttachmentInput> {
  const { content } = attachment;
  if (typeof content === "string") return { ...attachment };
  const blob = content instanceof Blob ? content : undefined;
  const bytes = new Uint8Array(await new Response(content as BodyInit).arrayBuffer());
  const name = blob && "name" in blob && typeof blob.name === "string" ? { filename: blob.name } : {};
  const type = blob && blob.type !== "" ? { contentType: blob.type } : {};
  return { ...name, ...type, ...attachment, content: encodeBase64(bytes), encoding: "base64" };
}

/** The same message with its streams read into blobs, so that it can be sent more than once. */
export async function bufferStreams(message: Message): Promise<Message> {
  if (!Array.isArray(message?.attachments)) return message;
  const attachments: AttachmentInput[] = [];
  for (const [index, attachment] of (message.attachments as readonly AttachmentInput[]).entries()) {
    const isStream = attachment?.content instanceof ReadableStream;
    attachments.push(
      isStream ? { ...attachment, content: await buffer(attachment.content, index) } : attachment,
    );
  }
  return { ...message, attachments };
}

async function buffer(content: AttachmentInput["content"], index: number): Promise<Blob> {
  try {
    return await readStream(content as ReadableStream<Uint8Array>);
  } catch (error) {
    const field = `attachments[${index}].content`;
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidMessageError(`"${field}" cannot be read: ${reason}`, { field, cause: error });
  }
}
