import { type Address, formatAddress, InvalidMessageError } from "@posthorn/core";
import {
  allRecipients,
  compact,
  deepMerge,
  formatAddresses,
  headerSubstitutions,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  requireFrom,
} from "@posthorn/core/provider";

/** Bytes of one request. https://support.sparkpost.com/docs/tech-resources/smtp-rest-api-performance */
const REQUEST_LIMIT = 20 * 2 ** 20;

/**
 * The body of transmissions.
 *
 * @see https://developers.sparkpost.com/api/transmissions/#transmissions-post-send-inline-content
 */
export function buildPayload(message: NormalizedMessage, report: ReportUnsupported): JsonRecord {
  const recipients = message.isBatch ? batchRecipients(message) : sharedRecipients(message);
  const hasTemplate = message.templateId !== undefined;
  const payload: JsonRecord = {
    recipients:
      message.tags.length > 1 ? recipients.map((each) => ({ ...each, tags: message.tags })) : recipients,
    content: hasTemplate ? templateContent(message, report) : inlineContent(message),
    override: hasTemplate ? override(message) : undefined,
    campaign_id: message.tags[0],
    metadata: compact(message.metadata),
    substitution_data: compact({ ...headerSubstitutions(message).defaults, ...message.mergeGlobalData }),
    return_path: message.envelopeSender?.email,
    options: compact({
      start_time: message.sendAt?.iso,
      open_tracking: message.trackOpens,
      click_tracking: message.trackClicks,
    }),
  };
  return deepMerge(payload, message.espExtra) as JsonRecord;
}

/**
 * Everyone of one message: all see the same To header, and the request has it once for each of them.
 *
 * @throws InvalidMessageError when that alone is more than SparkPost takes
 */
function sharedRecipients(message: NormalizedMessage): JsonRecord[] {
  const header_to = formatAddresses(message.to);
  const everyone = allRecipients(message);
  const bytes = header_to.length * everyone.length;
  if (bytes > REQUEST_LIMIT) {
    throw new InvalidMessageError(
      `"to" has ${message.to.length} recipients who see each other, which takes ${Math.round(bytes / 2 ** 20)} MB of a request of at most 20 MB. Send fewer at a time, or a message to each: mergeData: {}`,
      { field: "to", provider: "SparkPost" },
    );
  }
  return everyone.map(({ email }) => ({ address: { email, header_to } }));
}

/** One message for each `to` recipient, then the copies of each for `cc` and `bcc`. */
function batchRecipients(message: NormalizedMessage): JsonRecord[] {
  const { valuesFor } = headerSubstitutions(message);
  const recipients = message.to.map((to) => {
    const data = message.mergeData?.[to.email];
    return {
      address: { email: to.email, header_to: formatAddress(to) },
      substitution_data: compact({ ...valuesFor(to.email), ...data }),
      metadata: compact(message.mergeMetadata?.[to.email]),
    };
  });
  const copies = recipients.flatMap((recipient) =>
    [...message.cc, ...message.bcc].map(({ email }) => ({
      ...recipient,
      address: { ...recipient.address, email },
    })),
  );
  return [...recipients, ...copies];
}

function inlineContent(message: NormalizedMessage): JsonRecord {
  return {
    from: sender(requireFrom(message)),
    subject: message.subject,
    reply_to: message.replyTo.length > 0 ? formatAddresses(message.replyTo) : undefined,
    headers: headers(message),
    text: message.text,
    html: message.html,
    amp_html: message.amp,
    attachments: files(message, false),
    inline_images: files(message, true),
  };
}

/** A stored template has all content itself: of a message's fields only {@link override} can be given with it. */
function templateContent(message: NormalizedMessage, report: ReportUnsupported): JsonRecord {
  const given = {
    attachments: message.attachments.length > 0,
    headers: message.headers.length > 0,
    mergeHeaders: message.mergeHeaders !== undefined,
    cc: message.cc.length > 0,
    subject: Boolean(message.subject),
    text: Boolean(message.text),
    html: Boolean(message.html),
    amp: Boolean(message.amp),
  };
  for (const [field, isGiven] of Object.entries(given)) {
    if (isGiven) report(field as keyof typeof given, `${field} together with a template`);
  }
  return { template_id: message.templateId };
}

/**
 * Sender and replies instead of the template's own.
 *
 * @see https://developers.sparkpost.com/api/transmissions/#header-request-body
 */
function override(message: NormalizedMessage): JsonRecord | undefined {
  const [from] = message.from;
  return compact({
    from: from && sender(from),
    reply_to: message.replyTo.length > 0 ? formatAddresses(message.replyTo) : undefined,
  });
}

function sender({ name, email }: Address): string {
  return formatAddress({ name, email });
}

function headers(message: NormalizedMessage): JsonRecord | undefined {
  const all: JsonRecord = { ...headerSubstitutions(message).headers };
  // Copies are recipients like all others; this header makes them visible as such.
  if (message.cc.length > 0) all["Cc"] = formatAddresses(message.cc);
  return compact(all);
}

function files(message: NormalizedMessage, inline: boolean): readonly JsonRecord[] | undefined {
  return nonEmpty(
    message.attachments
      .filter((attachment) => attachment.inline === inline)
      .map((file) =>
        inline
          ? { type: file.mimeType, name: file.contentId, data: file.content.base64() }
          : { type: file.contentType, name: file.filename ?? "", data: file.content.base64() },
      ),
  );
}
