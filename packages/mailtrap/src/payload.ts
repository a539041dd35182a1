import type { Address, JsonObject } from "@posthorn/core";
import {
  chunkBySize,
  compact,
  deepMerge,
  formatAddresses,
  forRecipient,
  type HeaderList,
  headerRecord,
  type JsonRecord,
  jsonSize,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  requireFrom,
  stringValues,
  toEmailAndName,
} from "@posthorn/core/provider";

/** Messages and bytes that one batch request takes. https://docs.mailtrap.io/developers/email-sending/transactional */
const BATCH_LIMIT = 500;
const BYTE_LIMIT = 50_000_000;

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
export function buildPayloads(
  message: NormalizedMessage,
  report: ReportUnsupported,
): readonly MailtrapRequest[] {
  // Mailtrap ignores `template_variables` beside bodies. https://github.com/mailtrap/mailtrap-openapi (`EmailFromTemplate`)
  if (message.templateId === undefined)
    for (const field of ["mergeData", "mergeGlobalData"] as const)
      if (hasValues(message, field)) report(field, `${field} without a template`);
  const base = buildBase(message);
  if (!message.isBatch) {
    const body = { ...base, ...recipients(message, message.to) };
    return [{ batch: false, body: withExtra(body, message), to: message.to }];
  }
  const common = withExtra(base, message);
  const own = message.to.map((address) => ({ address, request: buildOwn(message, address) }));
  const limits = { count: BATCH_LIMIT, bytes: BYTE_LIMIT - jsonSize(common) };
  return chunkBySize(own, limits, ({ request }) => jsonSize(request)).map((part) => ({
    batch: true,
    body: { base: common, requests: part.map(({ request }) => request) },
    to: part.map(({ address }) => address),
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
    reply_to: message.replyTo.length === 1 ? message.replyTo.map(toEmailAndName)[0] : undefined,
    subject: message.subject || undefined,
    text: message.text || undefined,
    html: message.html,
    headers: headers(message, message.headers),
    attachments: nonEmpty(
      message.attachments.map(({ filename, content, contentType, contentId, inline }) => ({
        filename: filename ?? "attachment",
        content: content.base64(),
        type: contentType,
        ...(inline ? { disposition: "inline", content_id: contentId } : {}),
      })),
    ),
    category: message.tags[0],
    custom_variables: compact(stringValues(message.metadata ?? {})),
    template_uuid: message.templateId,
    template_variables: variables(message, message.mergeGlobalData),
  };
}

/** What differs for one recipient: it takes the place of what the base has. */
function buildOwn(message: NormalizedMessage, to: Address): JsonRecord {
  const { email } = to;
  const own = forRecipient(message, to);
  return {
    ...recipients(message, [to]),
    headers: message.mergeHeaders?.[email] && headers(message, own.headers),
    custom_variables: message.mergeMetadata?.[email] && compact(stringValues(own.metadata ?? {})),
    template_variables: message.mergeData?.[email] && variables(message, own.mergeGlobalData),
  };
}

/** `reply_to` holds one address; several go as the header of that name. */
function headers(message: NormalizedMessage, list: HeaderList): JsonRecord | undefined {
  const replyTo: HeaderList =
    message.replyTo.length > 1 ? [["Reply-To", formatAddresses(message.replyTo)]] : [];
  return headerRecord([...list, ...replyTo]);
}

function variables(message: NormalizedMessage, values: JsonObject | undefined): JsonRecord | undefined {
  return message.templateId === undefined ? undefined : compact(values);
}

/** An empty `mergeData` is a usual way to ask for a batch. */
function hasValues(message: NormalizedMessage, field: "mergeData" | "mergeGlobalData"): boolean {
  const values =
    field === "mergeData" ? Object.values(message.mergeData ?? {}) : [message.mergeGlobalData ?? {}];
  return values.some((each) => Object.keys(each).length > 0);
}
