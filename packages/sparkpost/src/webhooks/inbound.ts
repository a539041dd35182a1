import { type InboundEvent, inboundEvent, inboundFromMime } from "@posthorn/core/inbound";
import {
  bytesOfBase64,
  ConfigurationError,
  recordOf,
  resolveWebhookOptions,
  textOf,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
  webhookHandler,
} from "@posthorn/core/webhook";
import { entriesOf, type SparkPostEntry } from "./entries.js";

/** Options of {@link inboundWebhook}. */
export interface SparkPostInboundOptions extends WebhookOptions<InboundEvent> {}

/**
 * Takes mail that SparkPost's relay webhooks forward. https://developers.sparkpost.com/api/relay-webhooks/
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: SparkPostInboundOptions): WebhookHandler {
  const resolved = resolveWebhookOptions("SparkPost", "SPARKPOST", {}, options);
  return webhookHandler({ provider: "SparkPost", maxBodyBytes: 50_000_000, read }, resolved);
}

async function read(post: WebhookPost): Promise<readonly InboundEvent[]> {
  const entries = entriesOf(post);
  const other = entries.find(({ kind }) => kind !== "relay_message");
  if (other) {
    throw new ConfigurationError(
      `SparkPost: this is "${other.kind}", no received mail; point it at the tracking webhook`,
      { provider: "SparkPost" },
    );
  }
  return Promise.all(entries.map(readMail));
}

async function readMail({ event }: SparkPostEntry): Promise<InboundEvent> {
  const { email_rfc822: content, ...rest } = recordOf(event["content"]);
  const text = textOf(content) ?? "";
  const mime = rest["email_rfc822_is_base64"] ? (bytesOfBase64(text) ?? "") : text;
  const message = await inboundFromMime(mime, {
    envelopeSender: textOf(event["msg_from"]),
    envelopeRecipient: textOf(event["rcpt_to"]),
  });
  return inboundEvent("SparkPost", { ...event, content: rest }, message);
}
