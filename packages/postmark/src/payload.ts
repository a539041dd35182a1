import { formatAddress, type JsonBody, type NormalizedMessage } from "@posthorn/core";

/** The request body that a message becomes. Name the page of the provider's documentation here. */
export function buildPayload(message: NormalizedMessage): Record<string, JsonBody> {
  return {
    from: formatAddress(message.from[0]),
    to: message.to.map(formatAddress),
    cc: message.cc.length > 0 ? message.cc.map(formatAddress) : undefined,
    bcc: message.bcc.length > 0 ? message.bcc.map(formatAddress) : undefined,
    reply_to: message.replyTo[0] && formatAddress(message.replyTo[0]),
    subject: message.subject,
    text: message.text,
    html: message.html,
    ...message.espExtra,
  };
}
