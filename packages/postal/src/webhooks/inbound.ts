import { type InboundEvent, inboundEvent, inboundFromMime } from "@posthorn/core/inbound";
import {
  bytesOfBase64,
  ConfigurationError,
  idOf,
  isRecord,
  type JsonRecord,
  resolveWebhookOptions,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  WebhookRequestError,
  webhookHandler,
} from "@posthorn/core/webhooks";
import { type PostalSignatureOptions, verifySignature } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface PostalInboundOptions extends WebhookOptions<InboundEvent>, PostalSignatureOptions {}

/**
 * Takes mail that Postal received, from an HTTP endpoint that delivers raw messages.
 * https://docs.postalserver.io/developer/http-payloads
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: PostalInboundOptions): WebhookHandler {
  const resolved = resolveWebhookOptions(
    "Postal",
    "POSTAL",
    { signingKey: { secrets: "WEBHOOK_KEY" } },
    options,
  );
  const { signingKey } = resolved;
  return webhookHandler(
    {
      provider: "Postal",
      maxBodyBytes: 50_000_000,
      verifiedBy: "signingKey",
      verify: signingKey ? (post) => verifySignature(post, signingKey) : undefined,
      read: async (post) => {
        const body = post.json();
        if (isRecord(body) && "rcpt_to" in body) return [await readMail(body)];
        if (isRecord(body) && "payload" in body) {
          throw new ConfigurationError("Postal: this is a tracking event; point it at the tracking webhook", {
            provider: "Postal",
          });
        }
        throw new WebhookRequestError("Postal: the body is not a raw message", { status: 400 });
      },
    },
    resolved,
  );
}

async function readMail({ message: content, ...body }: JsonRecord): Promise<InboundEvent> {
  const text = stringOf(content) ?? "";
  const mime = body["base64"] ? bytesOfBase64(text) : text;
  if (mime === undefined) throw new WebhookRequestError("Postal: the message is not base64", { status: 400 });
  const mail = await inboundFromMime(mime, {
    envelopeSender: stringOf(body["mail_from"]),
    envelopeRecipient: stringOf(body["rcpt_to"]),
  });
  return inboundEvent("Postal", body, mail, { eventId: idOf(body["id"]) });
}
