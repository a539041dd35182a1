import { formatAddress } from "@posthorn/core";
import { buildMime, encodeMime } from "@posthorn/core/mime";
import {
  allRecipients,
  headerRecord,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  requireFrom,
} from "@posthorn/core/provider";

/** One request: its operation and its body. */
export interface PostalRequest {
  readonly operation: "message" | "raw";
  readonly body: JsonRecord;
}

/**
 * The request that a message becomes. What send/message has no field for goes by send/raw.
 *
 * @param now milliseconds since the epoch
 * @see https://docs.postalserver.io/developer/api
 * @see https://apiv1.postalserver.io/controllers/send
 */
export async function buildPayload(
  message: NormalizedMessage,
  now: number,
  report: ReportUnsupported,
): Promise<PostalRequest> {
  const isRaw = needsRaw(message);
  const body = isRaw ? await rawPayload(message, now) : messagePayload(message, report);
  return { operation: isRaw ? "raw" : "message", body: { ...body, ...message.espExtra } };
}

/** Whether a message has what send/message has no field for. Its `sender` is a header, not the envelope's sender. */
function needsRaw(message: NormalizedMessage): boolean {
  return (
    message.envelopeSender !== undefined ||
    message.amp !== undefined ||
    message.alternatives.length > 0 ||
    message.replyTo.length > 1 ||
    message.attachments.some(({ inline }) => inline)
  );
}

/** @see https://apiv1.postalserver.io/controllers/send/message */
function messagePayload(message: NormalizedMessage, report: ReportUnsupported): JsonRecord {
  // Postal overwrites it: https://github.com/postalserver/postal (`app/models/outgoing_message_prototype.rb`)
  const headers = message.headers.filter(([name]) => name.toLowerCase() !== "message-id");
  if (headers.length < message.headers.length) report("headers", "a Message-ID of your own");
  return {
    from: formatAddress(requireFrom(message)),
    // Required, empty as they may be.
    to: message.to.map(formatAddress),
    cc: message.cc.map(formatAddress),
    bcc: message.bcc.map(formatAddress),
    reply_to: message.replyTo[0] && formatAddress(message.replyTo[0]),
    subject: message.subject,
    plain_body: message.text || undefined,
    html_body: message.html,
    headers: headerRecord(headers),
    tag: message.tags[0],
    attachments: nonEmpty(
      message.attachments.map(({ filename, content, contentType }) => ({
        name: filename ?? "",
        content_type: contentType,
        data: content.base64(),
      })),
    ),
  };
}

/**
 * Postal sends a raw message as it is, so it gets the headers that RFC 5322 section 3.6 asks for. The tag is a header that Postal
 * reads and takes out.
 *
 * @see https://apiv1.postalserver.io/controllers/send/raw
 * @see https://github.com/postalserver/postal (`app/lib/message_dequeuer/outgoing_message_processor.rb`)
 */
async function rawPayload(message: NormalizedMessage, now: number): Promise<JsonRecord> {
  const from = requireFrom(message);
  const given = new Set(message.headers.map(([name]) => name.toLowerCase()));
  const added = [
    ["Date", new Date(now).toUTCString().replace("GMT", "+0000")],
    ["Message-ID", `<${crypto.randomUUID()}@${from.domain}>`],
  ] as const;
  const headers = [
    ...added.filter(([name]) => !given.has(name.toLowerCase())),
    ...message.tags.map((tag) => ["X-Postal-Tag", tag] as const),
    ...message.headers.map(([name, value]) => [name, String(value)] as const),
  ];
  return {
    mail_from: (message.envelopeSender ?? from).email,
    rcpt_to: [...new Set(allRecipients(message).map(({ email }) => email))],
    data: await encodeMime(buildMime(message, headers)),
  };
}
