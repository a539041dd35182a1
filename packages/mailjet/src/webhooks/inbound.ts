import {
  filenameOf,
  headersOfRecord,
  type InboundAttachment,
  type InboundEvent,
  inboundAttachment,
  inboundEvent,
  inboundMessage,
  noMessage,
} from "@posthorn/core/inbound";
import {
  bytesOfBase64,
  inboundHandler,
  isRecord,
  type JsonRecord,
  listOf,
  misdirected,
  numberOf,
  recordOf,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { MAILJET } from "./tracking.js";

/** Options of {@link inboundWebhook}. */
export interface MailjetInboundOptions extends WebhookOptions<InboundEvent> {}

/**
 * Takes mail that Mailjet's Parse API received. https://dev.mailjet.com/email/guides/parse-api/
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: MailjetInboundOptions): WebhookHandler {
  return inboundHandler({ ...MAILJET, read }, options);
}

function read(post: WebhookPost): readonly InboundEvent[] {
  const body = post.json();
  const [first] = Array.isArray(body) ? body : [body];
  const event = stringOf(recordOf(first)["event"]);
  if (event !== null) throw misdirected("Mailjet", "event", event);
  if (!isRecord(body)) throw noMessage("Mailjet");
  return [readMail(body)];
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
