import { type AttachmentInput, InvalidMessageError, type Message, serializeMessage } from "@posthorn/core";
import { decodeBase64, normalizeMessage, typeOfName } from "@posthorn/core/provider";
import type { Cipher } from "./cipher.js";
import { toHex } from "./ids.js";
import type { BlobStorage, PreparedBlob } from "./types.js";

/** Smaller contents stay in the row: a statement more costs more than they do. */
const SMALL = 4096;

/** Where a content that was taken out belongs. */
interface Reference {
  /** An attachment's index, or the name of a body. */
  readonly at: number | "text" | "html" | "amp";
  readonly hash: string;
}

/** A message as its row holds it. */
interface Stored {
  readonly v: 1;
  readonly message: Message;
  readonly refs?: readonly Reference[];
}

/** What storing needs beside the message. */
export interface Storage {
  readonly cipher: Cipher | undefined;
  readonly blobs: BlobStorage | undefined;
  readonly maxBytes: number;
}

/** A message packed for its row. */
export interface Packed {
  readonly codec: string;
  readonly body: Uint8Array;
  readonly blobs: readonly PreparedBlob[];
}

/**
 * Checks a message and packs it: large contents apart, streams read once.
 *
 * @param options.sharedBodies whether bodies of 4 kB or more are stored apart too, since many messages have the same
 * @throws InvalidMessageError for a message that could never be sent, or that is too large
 */
export async function packMessage(
  message: Message,
  id: string,
  storage: Storage,
  options: { readonly sharedBodies?: boolean } = {},
): Promise<Packed> {
  const attachments = message?.attachments;
  // Contents are looked at below; the check needs only their form. A small string stands for each.
  const outline = Array.isArray(attachments)
    ? { ...message, attachments: (attachments as readonly AttachmentInput[]).map(outlineOf) }
    : message;
  await normalizeMessage(outline, "base64", true);
  const plain: Record<string, unknown> = {
    ...(await serializeMessage({ ...message, attachments: undefined })),
  };
  const refs: Reference[] = [];
  const blobs = new Map<string, PreparedBlob>();
  let size = 0;
  const addBlob = async (at: Reference["at"], bytes: Uint8Array): Promise<void> => {
    const blob = await makeBlob(bytes, storage);
    blobs.set(blob.hash, blob);
    refs.push({ at, hash: blob.hash });
  };
  if (Array.isArray(attachments) && attachments.length > 0) {
    const kept: AttachmentInput[] = [];
    for (const [index, attachment] of (attachments as readonly AttachmentInput[]).entries()) {
      const { bytes, fields } = await readAttachment(attachment, index, storage.maxBytes - size);
      size += bytes.length;
      if (bytes.length >= SMALL) await addBlob(index, bytes);
      kept.push({
        ...fields,
        ...(bytes.length < SMALL ? { content: toBase64(bytes), encoding: "base64" } : { content: "" }),
      });
    }
    plain["attachments"] = kept;
  }
  if (options.sharedBodies) {
    for (const field of ["text", "html", "amp"] as const) {
      const body = plain[field];
      if (typeof body !== "string" || body.length < SMALL) continue;
      await addBlob(field, new TextEncoder().encode(body));
      delete plain[field];
    }
  }
  const stored: Stored = { v: 1, message: plain as unknown as Message, ...(refs.length > 0 && { refs }) };
  const json = new TextEncoder().encode(JSON.stringify(stored));
  if (json.length + size > storage.maxBytes) throw tooLarge(storage.maxBytes);
  const { cipher } = storage;
  return {
    codec: cipher?.name ?? "json",
    body: cipher ? await cipher.encrypt(json, { kind: "payload", id }) : json,
    blobs: [...blobs.values()],
  };
}

/** The hashes of the blobs that packed bytes refer to, and a message without their contents. */
export async function openPayload(
  payload: { readonly id: string; readonly codec: string; readonly body: Uint8Array },
  cipher: Cipher | undefined,
): Promise<{
  readonly message: Message;
  readonly hashes: readonly string[];
  readonly refs: readonly Reference[];
}> {
  const json = await decode(payload.codec, payload.body, { kind: "payload", id: payload.id }, cipher, "json");
  const stored = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json)) as Stored;
  if (stored?.v !== 1 || typeof stored.message !== "object" || stored.message === null)
    throw new TypeError("The stored message is of a form that this version does not know");
  const refs = stored.refs ?? [];
  return { message: stored.message, hashes: [...new Set(refs.map(({ hash }) => hash))], refs };
}

/** Puts contents back into a message. */
export async function attachContents(
  message: Message,
  refs: readonly Reference[],
  blobs: ReadonlyMap<string, PreparedBlob>,
  { cipher, blobs: storage }: Pick<Storage, "cipher" | "blobs">,
): Promise<Message> {
  if (refs.length === 0) return message;
  const whole: Record<string, unknown> = { ...message };
  const attachments = [...((message.attachments ?? []) as readonly AttachmentInput[])];
  for (const { at, hash } of refs) {
    const blob = blobs.get(hash);
    if (!blob) throw new Error(`The attachment ${hash.slice(0, 12)}… is missing`);
    const stored = blob.bytes ?? (await storage?.get(hash));
    if (!stored) throw new Error("The attachment is in an object store: pass the option blobs");
    const bytes = await decode(blob.codec, stored, { kind: "blob", id: hash }, cipher, "raw");
    if (typeof at === "number") {
      attachments[at] = { ...(attachments[at] as AttachmentInput), content: bytes };
    } else whole[at] = new TextDecoder().decode(bytes);
  }
  if (attachments.length > 0) whole["attachments"] = attachments;
  return whole as unknown as Message;
}

async function decode(
  codec: string,
  bytes: Uint8Array,
  context: { readonly kind: "payload" | "blob"; readonly id: string },
  cipher: Cipher | undefined,
  plain: "json" | "raw",
): Promise<Uint8Array> {
  if (codec === plain) return bytes;
  if (!cipher) throw new Error(`The message is encrypted by "${codec}": pass the option cipher`);
  return cipher.decrypt(bytes, context, codec);
}

async function makeBlob(bytes: Uint8Array, { cipher, blobs }: Storage): Promise<PreparedBlob> {
  const digest = cipher
    ? await cipher.mac(bytes)
    : new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  const hash = toHex(digest);
  const stored = cipher ? await cipher.encrypt(bytes, { kind: "blob", id: hash }) : bytes;
  // Before the commit: one that is not referred to is swept after a day, and one that is missing could not be sent.
  if (blobs) await blobs.put(hash, stored);
  return { hash, codec: cipher?.name ?? "raw", size: bytes.length, bytes: blobs ? null : stored };
}

function outlineOf(attachment: AttachmentInput): AttachmentInput {
  if (typeof attachment !== "object" || attachment === null) return attachment;
  const { content } = attachment;
  if (content instanceof Blob) {
    const { filename, contentType } = blobFields(attachment, content);
    return { ...attachment, content: new Uint8Array(), filename, contentType };
  }
  if (content instanceof Uint8Array || content instanceof ArrayBuffer || content instanceof ReadableStream)
    return { ...attachment, content: new Uint8Array() };
  return attachment;
}

/** A file brings its own name and type. */
function blobFields(
  attachment: AttachmentInput,
  blob: Blob,
): Pick<AttachmentInput, "filename" | "contentType"> {
  const name = "name" in blob && typeof blob.name === "string" ? blob.name : undefined;
  return {
    filename: attachment.filename ?? name,
    contentType: attachment.contentType ?? (blob.type === "" ? undefined : blob.type),
  };
}

async function readAttachment(
  attachment: AttachmentInput,
  index: number,
  room: number,
): Promise<{ readonly bytes: Uint8Array; readonly fields: Omit<AttachmentInput, "content" | "encoding"> }> {
  const { content, encoding, ...rest } = attachment;
  const fields = content instanceof Blob ? { ...rest, ...blobFields(attachment, content) } : rest;
  try {
    if (typeof content === "string") {
      const bytes = encoding === "base64" ? decodeBase64(content) : new TextEncoder().encode(content);
      return { bytes, fields: typed(fields, "text/plain") };
    }
    return { bytes: await readBytes(content, room), fields: typed(fields, "application/octet-stream") };
  } catch (error) {
    if (error instanceof InvalidMessageError) throw error;
    const field = `attachments[${index}].content`;
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidMessageError(`"${field}" cannot be read: ${reason}`, { field, cause: error });
  }
}

/** With the type written down: it is told by how the content was given, and that changes here. */
function typed<F extends Pick<AttachmentInput, "filename" | "contentType">>(fields: F, fallback: string): F {
  if (fields.contentType) return fields;
  return { ...fields, contentType: (fields.filename && typeOfName(fields.filename)) || fallback };
}

async function readBytes(
  content: Exclude<AttachmentInput["content"], string>,
  room: number,
): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return new Uint8Array(content);
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  if (content instanceof Blob) {
    if (content.size > room) throw tooLarge(room);
    return new Uint8Array(await content.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content as ReadableStream<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.length;
    // A stream without end must not fill the memory.
    if (size > room) throw tooLarge(room);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function tooLarge(bytes: number): InvalidMessageError {
  return new InvalidMessageError(
    `The message is too large: the limit is ${bytes} bytes with its attachments (option maxBytes)`,
    { field: "attachments" },
  );
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
