import {
  headersOfList,
  type InboundAttachment,
  type InboundDetails,
  type InboundEvent,
  type InboundMessage,
  inboundAttachment,
  inboundEvent,
  inboundFromMime,
  inboundMessage,
  noMessage,
} from "@posthorn/core/inbound";
import {
  ConfigurationError,
  dateOfSeconds,
  inboundHandler,
  jsonOf,
  listOf,
  misdirected,
  numberOf,
  recordOf,
  type WebhookForm,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { MAILGUN, type MailgunSignatureOptions, signatureOf } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface MailgunInboundOptions extends WebhookOptions<InboundEvent>, MailgunSignatureOptions {}

/**
 * Takes mail that a Mailgun route forwards: parsed, or whole where the webhook's URL ends in `mime`.
 * https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/
 *
 * @throws ConfigurationError without a signing key
 */
export function inboundWebhook(options: MailgunInboundOptions): WebhookHandler {
  return inboundHandler({ ...MAILGUN, read }, options);
}

async function read(post: WebhookPost): Promise<readonly InboundEvent[]> {
  if (!post.isForm || post.form().text("event") !== null) {
    throw misdirected("Mailgun", "event");
  }
  const form = post.form();
  refuseWithoutMessage(form);
  const mime = form.field("body-mime") ?? form.file("body-mime");
  const parsed = mime
    ? await inboundFromMime(mime.bytes, envelopeOf(form))
    : inboundMessage({
        ...envelopeOf(form),
        headers: headersOfList(jsonOf(form.text("message-headers"))),
        text: form.text("body-plain"),
        html: form.text("body-html"),
        attachments: attachmentsOf(form),
      });
  const message = { ...parsed, ...verdictsOf(parsed) };
  const raw = form.fields
    .filter(({ filename, name }) => filename === null && name !== "body-mime")
    .map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)]);
  return [
    inboundEvent("Mailgun", raw, message, {
      eventId: signatureOf(post).token || null,
      timestamp: dateOfSeconds(signatureOf(post).timestamp),
    }),
  ];
}

/** A route's `store()` posts where the files are instead of the files, and a post may have no message at all. */
function refuseWithoutMessage(form: WebhookForm): void {
  if (form.text("message-url") !== null && listOf(jsonOf(form.text("attachments"))).length > 0) {
    throw new ConfigurationError(
      "Mailgun: the route stores the message's attachments and posts only where they are; use forward() in the route instead of store()",
      { provider: "Mailgun" },
    );
  }
  const names = ["body-mime", "message-headers", "body-plain", "body-html"];
  if (!form.fields.some(({ name }) => names.includes(name))) {
    throw noMessage("Mailgun");
  }
}

function envelopeOf(form: WebhookForm): InboundDetails {
  return {
    envelopeSender: form.text("sender"),
    envelopeRecipient: form.text("recipient"),
    strippedText: form.text("stripped-text"),
    strippedHtml: form.text("stripped-html"),
  };
}

/** Mailgun writes what it found into headers of the mail. */
function verdictsOf(
  mail: InboundMessage,
): Pick<InboundMessage, "spamDetected" | "spamScore" | "authentication"> {
  const flag = mail.header("x-mailgun-sflag")?.toLowerCase();
  return {
    // Mailgun marks spam, and leaves the header out where its filter is off.
    spamDetected: flag === "yes",
    spamScore: numberOf(mail.header("x-mailgun-sscore")),
    authentication: {
      spf: mail.header("x-mailgun-spf")?.toLowerCase() ?? null,
      dkim: mail.header("x-mailgun-dkim-check-result")?.toLowerCase() ?? null,
      dmarc: null,
    },
  };
}

function attachmentsOf(form: WebhookForm): readonly InboundAttachment[] {
  const ids = new Map(
    Object.entries(recordOf(jsonOf(form.text("content-id-map")))).map(([contentId, name]) => [
      name,
      contentId,
    ]),
  );
  return form.fields.flatMap((field) => {
    if (field.filename === null && !/^attachment-\d+$/.test(field.name)) return [];
    const contentId = ids.get(field.name) ?? null;
    const file = {
      filename: field.filename,
      contentType: field.contentType ?? "",
      contentId,
      inline: contentId !== null,
    };
    return [inboundAttachment(file, () => field.bytes)];
  });
}
