import { type InboundEvent, inboundEvent, inboundFromMime, requireMime } from "@posthorn/core/inbound";
import {
  ConfigurationError,
  idOf,
  inboundHandler,
  isRecord,
  type JsonRecord,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
  WebhookRequestError,
} from "@posthorn/core/webhooks";
import { POSTAL, type PostalSignatureOptions } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface PostalInboundOptions extends WebhookOptions<InboundEvent>, PostalSignatureOptions {}

/**
 * Takes mail that Postal received, from an HTTP endpoint that delivers raw messages.
 * https://docs.postalserver.io/developer/http-payloads
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: PostalInboundOptions): WebhookHandler {
  return inboundHandler({ ...POSTAL, read, signatureStatus: 500 }, options);
}

async function read(post: WebhookPost): Promise<readonly InboundEvent[]> {
  const body = post.json();
  if (isRecord(body) && "rcpt_to" in body) return [await readMail(body)];
  if (isRecord(body) && "payload" in body) {
    throw new ConfigurationError("Postal: this is a tracking event; point it at the tracking webhook", {
      provider: "Postal",
    });
  }
  throw new WebhookRequestError("Postal: the body is not a raw message", { status: 400 });
}

async function readMail({ message: content, ...body }: JsonRecord): Promise<InboundEvent> {
  const mail = await inboundFromMime(requireMime("Postal", content, Boolean(body["base64"])), {
    envelopeSender: stringOf(body["mail_from"]),
    envelopeRecipient: stringOf(body["rcpt_to"]),
  });
  return inboundEvent("Postal", body, mail, { eventId: idOf(body["id"]) });
}
