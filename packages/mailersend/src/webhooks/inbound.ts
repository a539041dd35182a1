import { type InboundEvent, inboundEvent, inboundFromMime, requireMime } from "@posthorn/core/inbound";
import {
  dateOf,
  idOf,
  inboundHandler,
  listOf,
  misdirected,
  ownProperty,
  recordOf,
  type Secrets,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
} from "@posthorn/core/webhooks";
import { MAILERSEND } from "./signature.js";

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
  return inboundHandler(
    {
      ...MAILERSEND,
      options: { signingKey: { secrets: "INBOUND_SECRET" } },
      signsAll: "INBOUND_SECRET",
      read: async (post) => [await readMail(recordOf(post.json()))],
    },
    options,
  );
}

/** What RFC 7208 calls the qualifiers of SPF. */
const SPF: Readonly<Record<string, string>> = { "+": "pass", "-": "fail", "~": "softfail", "?": "neutral" };

async function readMail(body: Readonly<Record<string, unknown>>): Promise<InboundEvent> {
  const { raw: mime, ...data } = recordOf(body["data"]);
  if (body["type"] !== "inbound.message") {
    throw misdirected("MailerSend", "event", stringOf(body["type"]) ?? undefined);
  }
  const recipients = listOf(recordOf(data["recipients"])["rcptTo"]);
  const dkim = data["dkim_check"];
  const message = await inboundFromMime(requireMime("MailerSend", mime), {
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
