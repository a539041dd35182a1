import {
  type InboundEvent,
  inboundEvent,
  inboundFromMime,
  readMessages,
  requireMime,
} from "@posthorn/core/inbound";
import {
  dateOfSeconds,
  inboundHandler,
  type JsonRecord,
  misdirected,
  numberOf,
  recordOf,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { eventsOf } from "./events.js";
import { MANDRILL, type MandrillSignatureOptions } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface MandrillInboundOptions extends WebhookOptions<InboundEvent>, MandrillSignatureOptions {}

/**
 * Takes mail that Mandrill received. https://mailchimp.com/developer/transactional/docs/inbound-email/
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: MandrillInboundOptions): WebhookHandler {
  return inboundHandler({ ...MANDRILL, read }, options);
}

function read(
  post: WebhookPost,
  _: MandrillInboundOptions,
  report: (error: unknown) => void,
): Promise<readonly InboundEvent[]> {
  // None at all is Mandrill's test of the URL.
  return readMessages(eventsOf(post).map(recordOf), report, readMail);
}

async function readMail(entry: JsonRecord): Promise<InboundEvent> {
  if (entry["event"] !== "inbound") {
    throw misdirected("Mandrill", "event", stringOf(entry["event"] ?? entry["type"]) ?? undefined);
  }
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
