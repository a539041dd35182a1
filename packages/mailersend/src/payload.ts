import {
  type Address,
  chunk,
  compact,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  person,
  type ReportUnsupported,
} from "@posthorn/core";

/** Mails that one bulk request takes. https://developers.mailersend.com/api/v1/email.html#send-bulk-emails */
const BULK_LIMIT = 500;

/** How a batch of several recipients goes: each with a mail of their own, or all in one that shows them all. */
export type BatchSendMode = "use-bulk-email" | "expose-to-list";

/** One request: whether it is a bulk, its body, and the `to` recipients of its mails. */
export interface MailersendRequest {
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
): readonly MailersendRequest[] {
  const several = message.isBatch && message.to.length > 1;
  // A mail with variables for each recipient still shows all of them to each other: nobody should do that unawares.
  if (several && mode === undefined) {
    report("mergeData", 'batches, unless option "batchSendMode" is "use-bulk-email" or "expose-to-list",');
  }
  if (!several || mode === "expose-to-list") {
    return [{ bulk: false, body: buildMail(message, message.to), to: message.to }];
  }
  return chunk(message.to, BULK_LIMIT).map((to) => ({
    bulk: true,
    body: to.map((address) => buildMail(message, [address])),
    to,
  }));
}

function buildMail(message: NormalizedMessage, to: readonly Address[]): JsonRecord {
  return {
    from: person(message.from[0]),
    to: nonEmpty(to.map(person)),
    cc: nonEmpty(message.cc.map(person)),
    bcc: nonEmpty(message.bcc.map(person)),
    reply_to: message.replyTo[0] && person(message.replyTo[0]),
    // Required, though a template may have them.
    subject: message.subject ?? "",
    text: message.text ?? (message.html === undefined ? "" : undefined),
    html: message.html,
    headers: nonEmpty(message.headers.map(([name, value]) => ({ name, value: String(value) }))),
    attachments: nonEmpty(
      message.attachments.map(({ filename, content, contentId, inline }) => ({
        content: content.base64(),
        filename: filename ?? "attachment",
        disposition: inline ? "inline" : "attachment",
        id: contentId,
      })),
    ),
    tags: nonEmpty(message.tags),
    send_at: message.sendAt && Math.floor(message.sendAt.time / 1000),
    settings: compact({ track_clicks: message.trackClicks, track_opens: message.trackOpens }),
    template_id: message.templateId,
    personalization: nonEmpty(to.flatMap((address) => variables(message, address))),
    ...message.espExtra,
  };
}

function variables(message: NormalizedMessage, { email }: Address): JsonRecord[] {
  const data = { ...message.mergeGlobalData, ...message.mergeData?.[email] };
  return Object.keys(data).length > 0 ? [{ email, data }] : [];
}
