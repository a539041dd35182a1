import { type Address, type Attachment, InvalidMessageError } from "@posthorn/core";
import {
  chunkBySize,
  compact,
  deepMerge,
  extensionOfType,
  forRecipient,
  type HeaderList,
  type JsonRecord,
  jsonSize,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  reportTypeParameters,
  toEmailAndName,
  utf8Base64,
} from "@posthorn/core/provider";

/** Messages and bytes that one bulk request takes. https://developers.mailersend.com/api/v1/email.html#send-bulk-emails */
const BULK_LIMIT = { count: 500, bytes: 50_000_000 };

/** How a batch of several recipients goes: each with a mail of their own, or all in one that shows them all. */
export const BATCH_SEND_MODES = ["use-bulk-email", "expose-to-list"] as const;

/** One of {@link BATCH_SEND_MODES}. */
export type BatchSendMode = (typeof BATCH_SEND_MODES)[number];

/** What of `espExtra` is for Posthorn, and what for MailerSend. */
export interface MailerSendExtra {
  /** A token for this message alone: MailerSend's belong to a domain each. */
  readonly apiToken: string | undefined;
  readonly batchSendMode: BatchSendMode | undefined;
  readonly body: JsonRecord;
}

/** @throws InvalidMessageError for a value of the wrong kind */
export function readExtra({ espExtra }: NormalizedMessage): MailerSendExtra {
  const { api_token, batch_send_mode, ...body } = espExtra;
  if (api_token !== undefined && typeof api_token !== "string")
    throw invalidExtra("api_token", "is not text");
  const batchSendMode = BATCH_SEND_MODES.find((mode) => mode === batch_send_mode);
  if (batch_send_mode !== undefined && batchSendMode === undefined)
    throw invalidExtra("batch_send_mode", `is one of ${BATCH_SEND_MODES.join(", ")}`);
  return { apiToken: api_token, batchSendMode, body };
}

function invalidExtra(key: string, why: string): InvalidMessageError {
  const field = `espExtra.${key}`;
  return new InvalidMessageError(`"${field}" ${why}`, { field, provider: "MailerSend" });
}

/** One request: whether it is a bulk, its body, and the `to` recipients of its mails. */
export interface MailerSendRequest {
  readonly bulk: boolean;
  readonly body: JsonRecord | readonly JsonRecord[];
  readonly to: readonly Address[];
}

/**
 * The requests that a message becomes.
 *
 * @see https://developers.mailersend.com/api/v1/email.html
 */
export function buildPayloads(
  message: NormalizedMessage,
  mode: BatchSendMode | undefined,
  report: ReportUnsupported,
): readonly MailerSendRequest[] {
  const extra = readExtra(message).body;
  reportTypeParameters(message, report);
  const several = message.isBatch && message.to.length > 1;
  // A mail with variables for each recipient still shows all of them to each other: nobody should do that unawares.
  if (several && mode === undefined) {
    report("mergeData", 'batches, unless option "batchSendMode" is "use-bulk-email" or "expose-to-list",');
  }
  if (!several || mode === "expose-to-list") {
    if (several && message.mergeHeaders) report("mergeHeaders", "mergeHeaders in one message to a list");
    const [only] = message.to;
    const own = message.isBatch && !several && only ? forRecipient(message, only) : message;
    return [{ bulk: false, body: buildMail(own, message.to, extra), to: message.to }];
  }
  const mails = message.to.map((address) => ({
    address,
    mail: buildMail(forRecipient(message, address), [address], extra),
  }));
  // All have the same files, which may be large.
  const files = jsonSize(mails[0]?.mail["attachments"] ?? null);
  const sizeOf = ({ mail }: { readonly mail: JsonRecord }): number =>
    files + jsonSize({ ...mail, attachments: undefined });
  return chunkBySize(mails, BULK_LIMIT, sizeOf).map((part) => ({
    bulk: true,
    body: part.map(({ mail }) => mail),
    to: part.map(({ address }) => address),
  }));
}

function buildMail(message: NormalizedMessage, to: readonly Address[], extra: JsonRecord): JsonRecord {
  const mail: JsonRecord = {
    from: message.from[0] && toEmailAndName(message.from[0]),
    to: nonEmpty(to.map(toEmailAndName)),
    cc: nonEmpty(message.cc.map(toEmailAndName)),
    bcc: nonEmpty(message.bcc.map(toEmailAndName)),
    reply_to: message.replyTo[0] && toEmailAndName(message.replyTo[0]),
    subject: message.subject,
    // Required, though a template may have it.
    text: message.text ?? (message.html === undefined ? "" : undefined),
    html: message.html,
    ...headers(message.headers),
    attachments: nonEmpty(message.attachments.map(file)),
    tags: nonEmpty(message.tags),
    send_at: message.sendAt && Math.floor(message.sendAt.time / 1000),
    settings: compact({ track_clicks: message.trackClicks, track_opens: message.trackOpens }),
    template_id: message.templateId,
    personalization: nonEmpty(to.flatMap((address) => variables(message, address))),
  };
  return deepMerge(mail, extra) as JsonRecord;
}

/**
 * Four headers have a field of their own, which every plan may use; other headers need a plan that has them.
 *
 * @see https://developers.mailersend.com/api/v1/email.html#send-an-email
 * @see https://github.com/mailersend/mailersend-nodejs (`EmailParams`)
 */
function headers(list: HeaderList): JsonRecord {
  const fields: JsonRecord = {};
  const others: JsonRecord[] = [];
  for (const [name, value] of list) {
    const text = String(value);
    if (/^in-reply-to$/i.test(name)) fields["in_reply_to"] = messageIds(text)[0];
    else if (/^references$/i.test(name)) fields["references"] = messageIds(text);
    else if (/^list-unsubscribe$/i.test(name)) fields["list_unsubscribe"] = text;
    else if (/^precedence$/i.test(name)) fields["precedence_bulk"] = /^\s*(bulk|list|junk)\s*$/i.test(text);
    else others.push({ name, value: text });
  }
  return { ...fields, headers: nonEmpty(others) };
}

/** Message ids without their angle brackets. */
function messageIds(text: string): readonly string[] {
  const ids = [...text.matchAll(/<([^<>]*)>/g)].map(([, id]) => id ?? "");
  return ids.length > 0 ? ids : text.trim().split(/\s+/);
}

/** MailerSend goes by a file's extension, and takes no charset: text is UTF-8. */
function file(attachment: Attachment): JsonRecord {
  const { filename, mimeType, inline, contentId } = attachment;
  return {
    content: utf8Base64(attachment),
    filename: filename ?? `attachment.${extensionOfType(mimeType) ?? "bin"}`,
    disposition: inline ? "inline" : "attachment",
    id: contentId,
  };
}

function variables(message: NormalizedMessage, { email }: Address): JsonRecord[] {
  const data = { ...message.mergeGlobalData, ...message.mergeData?.[email] };
  return Object.keys(data).length > 0 ? [{ email, data }] : [];
}
