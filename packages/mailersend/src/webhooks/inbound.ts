import { type InboundEvent, inboundEvent, inboundFromMime } from "@posthorn/core/inbound";
import {
  ConfigurationError,
  dateOf,
  idOf,
  listOf,
  ownProperty,
  recordOf,
  resolveWebhookOptions,
  type Secrets,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  webhookHandler,
} from "@posthorn/core/webhooks";
import { verifySignature } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface MailerSendInboundOptions extends WebhookOptions<InboundEvent> {
  /** The inbound route's secret, which is another than the webhooks'. Environment: `MAILERSEND_INBOUND_SECRET`. */
  readonly signingKey?: Secrets | undefined;
}

/**
 * Takes mail that MailerSend received. https://developers.mailersend.com/api/v1/inbound.html
 *
 * @throws ConfigurationError without the route's secret: MailerSend signs every post
 */
export function inboundWebhook(options: MailerSendInboundOptions): WebhookHandler {
  const resolved = resolveWebhookOptions(
    "MailerSend",
    "MAILERSEND",
    { signingKey: { secrets: "INBOUND_SECRET" } },
    options,
  );
  const { signingKey } = resolved;
  if (!signingKey && !resolved.insecure) {
    throw new ConfigurationError(
      "MailerSend: nothing to verify posts by; give signingKey, or set MAILERSEND_INBOUND_SECRET in the environment",
      { provider: "MailerSend" },
    );
  }
  return webhookHandler(
    {
      provider: "MailerSend",
      maxBodyBytes: 50_000_000,
      verify: signingKey ? (post) => verifySignature(post, signingKey) : undefined,
      read: async (post) => [await readMail(recordOf(post.json()))],
    },
    resolved,
  );
}

/** What RFC 7208 calls the qualifiers of SPF. */
const SPF: Readonly<Record<string, string>> = { "+": "pass", "-": "fail", "~": "softfail", "?": "neutral" };

async function readMail(body: Readonly<Record<string, unknown>>): Promise<InboundEvent> {
  const { raw: mime, ...data } = recordOf(body["data"]);
  if (typeof mime !== "string" || body["type"] === undefined || body["type"] !== "inbound.message") {
    throw new ConfigurationError(
      `MailerSend: this is no received mail but "${stringOf(body["type"])}"; point it at the tracking webhook`,
      { provider: "MailerSend" },
    );
  }
  const recipients = listOf(recordOf(data["recipients"])["rcptTo"]);
  const dkim = data["dkim_check"];
  const message = await inboundFromMime(mime, {
    envelopeSender: stringOf(recordOf(data["sender"])["email"]),
    envelopeRecipient: stringOf(recordOf(recipients[0])["email"]),
    authentication: {
      spf: ownProperty(SPF, stringOf(recordOf(data["spf_check"])["code"])) ?? null,
      dkim: typeof dkim === "boolean" ? (dkim ? "pass" : "fail") : null,
    },
  });
  return inboundEvent("MailerSend", { ...body, data }, message, {
    eventId: idOf(data["id"]),
    // When the mail came in; the post's own is when it was posted.
    timestamp: dateOf(data["created_at"] ?? body["created_at"]),
  });
}
