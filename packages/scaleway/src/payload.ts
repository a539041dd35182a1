import { formatAddress } from "@posthorn/core";
import {
  encodeWords,
  isInternational,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  requireFrom,
  toEmailAndName,
} from "@posthorn/core/provider";

/**
 * The body of a create-email request.
 *
 * @see https://www.scaleway.com/en/developers/api/transactional-email/
 */
export function buildPayload(message: NormalizedMessage, projectId: string): JsonRecord {
  return {
    project_id: projectId,
    from: toEmailAndName(requireFrom(message)),
    to: nonEmpty(message.to.map(toEmailAndName)),
    cc: nonEmpty(message.cc.map(toEmailAndName)),
    bcc: nonEmpty(message.bcc.map(toEmailAndName)),
    subject: message.subject,
    text: message.text || undefined,
    html: message.html,
    attachments: nonEmpty(
      message.attachments.map(({ filename, content, contentType }) => ({
        name: filename ?? null,
        type: contentType,
        content: content.base64(),
      })),
    ),
    additional_headers: nonEmpty(headers(message)),
    ...message.espExtra,
  };
}

/** Scaleway has no fields for replies, tags and metadata, so they are sent as headers. */
function headers(message: NormalizedMessage): JsonRecord[] {
  const all: [key: string, value: string][] = [];
  if (message.replyTo.length > 0) {
    const addresses = message.replyTo.map((address) =>
      formatAddress({ ...address, name: encodeWords(address.name) }),
    );
    all.push(["Reply-To", addresses.join(", ")]);
  }
  all.push(...message.headers.map(([key, value]): [string, string] => [key, String(value)]));
  if (message.metadata) all.push(["X-Metadata", JSON.stringify(message.metadata)]);
  if (message.tags.length > 0) all.push(["X-Tags", JSON.stringify(message.tags)]);
  return all.map(([key, value]) => ({ key, value }));
}

/**
 * Scaleway accepts local parts beyond ASCII, and then loses or bounces the message.
 *
 * @see https://anymail.dev/en/stable/esps/scaleway/#limitations-and-quirks
 */
export function reportInternational(message: NormalizedMessage, report: ReportUnsupported): void {
  for (const field of ["from", "to", "cc", "bcc", "replyTo"] as const) {
    if (message[field].some((address) => isInternational(address)))
      report(field, `EAI (a local part beyond ASCII) in ${field}`);
  }
}
