import { type Address, formatAddress } from "@posthorn/core";
import {
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

/**
 * The body of transmissions.
 *
 * @see https://developers.sparkpost.com/api/transmissions/#transmissions-post-send-inline-content
 */
export function buildPayload(message: NormalizedMessage, report: ReportUnsupported): JsonRecord {
  const payload: JsonRecord = {
    recipients: message.isBatch ? batchRecipients(message) : sharedRecipients(message),
    content: message.templateId === undefined ? inlineContent(message) : templateContent(message, report),
    campaign_id: message.tags[0],
    metadata: message.metadata,
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

/** Everyone of one mail: all see the same To header. */
function sharedRecipients(message: NormalizedMessage): JsonRecord[] {
  const header_to = formatAddresses(message.to);
  return [...message.to, ...message.cc, ...message.bcc].map(({ email }) => ({
    address: { email, header_to },
  }));
}

/** One mail for each `to` recipient, then the copies of each for `cc` and `bcc`. */
function batchRecipients(message: NormalizedMessage): JsonRecord[] {
  const { valuesFor } = headerSubstitutions(message);
  const recipients = message.to.map((to) => {
    const data = message.mergeData?.[to.email];
    return {
      address: { email: to.email, header_to: formatAddress(to) },
      substitution_data: compact({ ...valuesFor(to.email), ...data }) ?? (data && {}),
      metadata: message.mergeMetadata?.[to.email],
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

/** A stored template has all its content itself: nothing of it can be given with it. */
function templateContent(message: NormalizedMessage, report: ReportUnsupported): JsonRecord {
  const given = {
    attachments: message.attachments.length > 0,
    headers: message.headers.length > 0,
    mergeHeaders: message.mergeHeaders !== undefined,
    cc: message.cc.length > 0,
    replyTo: message.replyTo.length > 0,
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
