import {
  decodeText,
  type InboundAttachment,
  type InboundDetails,
  type InboundEvent,
  inboundAttachment,
  inboundEvent,
  inboundFromMime,
  inboundMessage,
  parseHeaderLines,
  requireMime,
} from "@posthorn/core/inbound";
import {
  inboundHandler,
  jsonOf,
  listOf,
  misdirected,
  numberOf,
  recordOf,
  type Secrets,
  stringOf,
  type WebhookForm,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { SENDGRID } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface SendGridInboundOptions extends WebhookOptions<InboundEvent> {
  /**
   * The public key of the security policy attached to the parse setting. Environment:
   * `SENDGRID_INBOUND_WEBHOOK_VERIFICATION_KEY`.
   *
   * @see https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/securing-your-parse-webhooks
   */
  readonly signingKey?: Secrets | undefined;
}

/**
 * Takes mail of SendGrid's Inbound Parse, parsed or with "post the raw, full MIME message".
 * https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: SendGridInboundOptions): WebhookHandler {
  const forms = { signingKey: { secrets: "INBOUND_WEBHOOK_VERIFICATION_KEY" } } as const;
  // SendGrid tries again after 5xx alone, and drops the message after another status.
  // https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/inbound-email
  return inboundHandler({ ...SENDGRID, options: forms, read, signatureStatus: 503 }, options);
}

async function read(post: WebhookPost): Promise<readonly InboundEvent[]> {
  if (!post.isForm) throw misdirected("SendGrid", "event");
  const form = post.form();
  const mime = form.field("email");
  const charsets = recordOf(jsonOf(form.text("charsets")));
  const text = (name: string): string | null => {
    const bytes = form.field(name)?.bytes;
    return bytes ? decodeText(bytes, stringOf(charsets[name]) ?? "utf-8") : null;
  };
  const message = mime
    ? await inboundFromMime(requireMime("SendGrid", mime.bytes), detailsOf(form))
    : inboundMessage({
        ...detailsOf(form),
        headers: await parseHeaderLines(form.text("headers") ?? ""),
        text: text("text"),
        html: text("html"),
        attachments: attachmentsOf(form),
      });
  const raw = form.fields
    .filter(({ filename, name }) => filename === null && name !== "email")
    .map(({ name }) => [name, text(name)]);
  return [inboundEvent("SendGrid", raw, message)];
}

function detailsOf(form: WebhookForm): InboundDetails {
  const envelope = recordOf(jsonOf(form.text("envelope")));
  return {
    envelopeSender: stringOf(envelope["from"]),
    envelopeRecipient: stringOf(listOf(envelope["to"])[0]),
    spamScore: numberOf(form.text("spam_score")),
    // DKIM is `{@example.org : pass}`, by domain.
    authentication: { spf: form.text("SPF"), dkim: /:\s*(\w+)/.exec(form.text("dkim") ?? "")?.[1] ?? null },
  };
}

function attachmentsOf(form: WebhookForm): readonly InboundAttachment[] {
  const info = recordOf(jsonOf(form.text("attachment-info")));
  return form.fields.flatMap((field) => {
    if (field.filename === null && !/^attachment\d+$/.test(field.name)) return [];
    const about = recordOf(info[field.name]);
    const contentId = stringOf(about["content-id"]) || null;
    const file = {
      filename: stringOf(about["filename"]) || field.filename || stringOf(about["name"]),
      contentType: stringOf(about["type"]) || field.contentType || "",
      contentId,
      inline: contentId !== null,
    };
    return [inboundAttachment(file, () => field.bytes)];
  });
}
