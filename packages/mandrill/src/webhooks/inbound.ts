import {
  type InboundEvent,
  inboundEvent,
  inboundFromMime,
  readMessages,
  requireMime,
} from "@posthorn/core/inbound";
import {
  dateOfSeconds,
  type JsonRecord,
  numberOf,
  recordOf,
  resolveWebhookOptions,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  webhookHandler,
} from "@posthorn/core/webhooks";
import { eventsOf } from "./events.js";
import { type MandrillSignatureOptions, verifySignature } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface MandrillInboundOptions extends WebhookOptions<InboundEvent>, MandrillSignatureOptions {}

/**
 * Takes mail that Mandrill received. https://mailchimp.com/developer/transactional/docs/inbound-email/
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: MandrillInboundOptions): WebhookHandler {
  const resolved = resolveWebhookOptions(
    "Mandrill",
    "MANDRILL",
    { signingKey: { secrets: "WEBHOOK_KEY" }, webhookUrl: "text" },
    options,
  );
  return webhookHandler(
    {
      provider: "Mandrill",
      maxBodyBytes: 50_000_000,
      verifiedBy: "signingKey",
      verify:
        resolved.signingKey || resolved.basicAuth ? (post) => verifySignature(post, resolved) : undefined,
      read: (post, report) =>
        readMessages(
          eventsOf(post)
            .map(recordOf)
            .filter(({ event }) => event === "inbound"),
          report,
          readMail,
        ),
    },
    resolved,
  );
}

async function readMail(entry: JsonRecord): Promise<InboundEvent> {
  const { raw_msg: mime, ...message } = recordOf(entry["msg"]);
  const dkim = recordOf(message["dkim"]);
  const mail = await inboundFromMime(requireMime("Mandrill", mime), {
    envelopeSender: stringOf(message["sender"]),
    envelopeRecipient: stringOf(message["email"]),
    spamScore: numberOf(recordOf(message["spam_report"])["score"]),
    authentication: {
      spf: stringOf(recordOf(message["spf"])["result"]),
      dkim: dkim["signed"] === undefined ? null : dkim["signed"] ? (dkim["valid"] ? "pass" : "fail") : "none",
    },
  });
  return inboundEvent("Mandrill", { ...entry, msg: message }, mail, {
    timestamp: dateOfSeconds(entry["ts"]),
  });
}
