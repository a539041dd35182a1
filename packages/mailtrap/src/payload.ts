import type { Address } from "@posthorn/core";
import {
  chunk,
  deepMerge,
  forRecipient,
  headerRecord,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  requireFrom,
  stringValues,
  toEmailAndName,
} from "@posthorn/core/provider";

/** Mails that one batch request takes. https://docs.mailtrap.io/developers/email-sending/transactional */
const BATCH_LIMIT = 500;

/** One request: whether it is a batch, its body, and the `to` recipients of its mails. */
export interface MailtrapRequest {
  readonly batch: boolean;
  readonly body: JsonRecord;
  readonly to: readonly Address[];
}

/**
 * The requests that a message becomes.
 *
 * @see https://docs.mailtrap.io/developers/email-sending
 */
export function buildPayloads(message: NormalizedMessage): readonly MailtrapRequest[] {
  const base = buildBase(message);
  if (!message.isBatch) {
    const body = { ...base, ...recipients(message, message.to) };
    return [{ batch: false, body: withExtra(body, message), to: message.to }];
  }
  return chunk(message.to, BATCH_LIMIT).map((to) => ({
    batch: true,
    body: { base: withExtra(base, message), requests: to.map((address) => buildOwn(message, address)) },
    to,
  }));
}

function withExtra(body: JsonRecord, message: NormalizedMessage): JsonRecord {
  return deepMerge(body, message.espExtra) as JsonRecord;
}

function recipients(message: NormalizedMessage, to: readonly Address[]): JsonRecord {
  return {
    to: nonEmpty(to.map(toEmailAndName)),
    cc: nonEmpty(message.cc.map(toEmailAndName)),
    bcc: nonEmpty(message.bcc.map(toEmailAndName)),
  };
}

function buildBase(message: NormalizedMessage): JsonRecord {
  return {
    from: toEmailAndName(requireFrom(message)),
    reply_to: message.replyTo[0] && toEmailAndName(message.replyTo[0]),
    subject: message.subject || undefined,
    text: message.text || undefined,
    html: message.html,
    headers: headerRecord(message.headers),
    attachments: nonEmpty(
      message.attachments.map(({ filename, content, contentType, contentId, inline }) => ({
        filename: filename ?? "attachment",
        content: content.base64(),
        type: contentType,
        ...(inline ? { disposition: "inline", content_id: contentId } : {}),
      })),
    ),
    category: message.tags[0],
    custom_variables: message.metadata && stringValues(message.metadata),
    template_uuid: message.templateId,
    template_variables: message.mergeGlobalData,
  };
}

/** What differs for one recipient: it takes the place of what the base has. */
function buildOwn(message: NormalizedMessage, to: Address): JsonRecord {
  const { email } = to;
  const own = forRecipient(message, to);
  return {
    ...recipients(message, [to]),
    headers: message.mergeHeaders?.[email] && headerRecord(own.headers),
    custom_variables: message.mergeMetadata?.[email] && own.metadata && stringValues(own.metadata),
    template_variables: message.mergeData?.[email] && own.mergeGlobalData,
  };
}
