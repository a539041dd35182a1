import { type Address, formatAddress } from "@posthorn/core";
import {
  headerRecord,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  requireFrom,
} from "@posthorn/core/provider";

/**
 * The body of send/message.
 *
 * @param to the primary recipients of this request
 * @see https://docs.postalserver.io/developer/api
 * @see https://apiv1.postalserver.io/controllers/send/message
 */
export function buildPayload(message: NormalizedMessage, to: readonly Address[]): JsonRecord {
  return {
    from: formatAddress(requireFrom(message)),
    // Required, empty as they may be.
    to: to.map(formatAddress),
    cc: message.cc.map(formatAddress),
    bcc: message.bcc.map(formatAddress),
    reply_to: message.replyTo[0] && formatAddress(message.replyTo[0]),
    sender: message.envelopeSender?.email,
    subject: message.subject,
    plain_body: message.text || undefined,
    html_body: message.html,
    headers: headerRecord(message.headers),
    tag: message.tags[0],
    attachments: nonEmpty(
      message.attachments.map(({ filename, content, contentType }) => ({
        name: filename ?? "",
        content_type: contentType,
        data: content.base64(),
      })),
    ),
    ...message.espExtra,
  };
}
