import {
  filenameOf,
  headersOfRecord,
  type InboundAttachment,
  type InboundEvent,
  inboundAttachment,
  inboundEvent,
  inboundMessage,
} from "@posthorn/core/inbound";
import {
  bytesOfBase64,
  isRecord,
  type JsonRecord,
  listOf,
  numberOf,
  resolveWebhookOptions,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  WebhookRequestError,
  webhookHandler,
} from "@posthorn/core/webhooks";

/** Options of {@link inboundWebhook}. */
export interface MailjetInboundOptions extends WebhookOptions<InboundEvent> {}

/**
 * Takes mail that Mailjet's Parse API received. https://dev.mailjet.com/email/guides/parse-api/
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: MailjetInboundOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("Mailjet", "MAILJET", {}, options);
  return webhookHandler(
    {
      provider: "Mailjet",
      maxBodyBytes: 50_000_000,
      read: (post) => {
        const body = post.json();
        if (!isRecord(body))
          throw new WebhookRequestError("Mailjet: the body is not a mail", { status: 400 });
        return [readMail(body)];
      },
    },
    resolved,
  );
}

/** Files have a member of the post each; the parts say which. */
const FILE = /^(?:Inline)?Attachment\d+$/;

function readMail(body: JsonRecord): InboundEvent {
  const message = inboundMessage({
    headers: headersOfRecord(body["Headers"]),
    text: stringOf(body["Text-part"]),
    html: stringOf(body["Html-part"]),
    attachments: listOf(body["Parts"]).flatMap((part) => readPart(part, body)),
    envelopeSender: stringOf(body["Sender"]),
    envelopeRecipient: stringOf(body["Recipient"]),
    spamScore: numberOf(body["SpamAssassinScore"]),
  });
  const raw = Object.fromEntries(Object.entries(body).filter(([name]) => !FILE.test(name)));
  return inboundEvent("Mailjet", raw, message);
}

function readPart(part: unknown, body: JsonRecord): readonly InboundAttachment[] {
  if (!isRecord(part)) return [];
  const reference = stringOf(part["ContentRef"]) ?? "";
  const content = body[reference];
  if (!FILE.test(reference) || typeof content !== "string") return [];
  const headers = headersOfRecord(part["Headers"]);
  const header = (name: string) => headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? "";
  const file = {
    filename: filenameOf(header("content-disposition"), header("content-type")),
    contentType: header("content-type"),
    contentId: header("content-id") || null,
  };
  return [inboundAttachment(file, () => bytesOfBase64(content) ?? new Uint8Array())];
}
