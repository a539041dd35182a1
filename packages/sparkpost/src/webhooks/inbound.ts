import {
  type InboundEvent,
  inboundEvent,
  inboundFromMime,
  readMessages,
  requireMime,
} from "@posthorn/core/inbound";
import {
  inboundHandler,
  misdirected,
  recordOf,
  requireToken,
  type Secrets,
  secretList,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
} from "@posthorn/core/webhooks";
import { entriesOf, SPARKPOST, type SparkPostEntry } from "./entries.js";

/** Options of {@link inboundWebhook}. */
export interface SparkPostInboundOptions extends WebhookOptions<InboundEvent> {
  /** The `auth_token` that the relay webhook was made with. Environment: `SPARKPOST_AUTH_TOKEN`. */
  readonly authToken?: Secrets | undefined;
}

/**
 * Takes mail that SparkPost's relay webhooks forward. https://developers.sparkpost.com/api/relay-webhooks/
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: SparkPostInboundOptions): WebhookHandler {
  return inboundHandler(
    {
      ...SPARKPOST,
      options: { authToken: "secrets" },
      verifiedBy: "authToken",
      verify: ({ authToken }) =>
        authToken
          ? ({ headers }) =>
              requireToken("SparkPost", secretList(authToken), headers.get("x-messagesystems-webhook-token"))
          : undefined,
      read: (post, _, report) => readMessages(entriesOf(post), report, readMail),
    },
    options,
  );
}

async function readMail({ kind, event }: SparkPostEntry): Promise<InboundEvent> {
  if (kind !== "relay_message") {
    throw misdirected("SparkPost", "event", stringOf(event["type"]) ?? kind);
  }
  const { email_rfc822: content, ...rest } = recordOf(event["content"]);
  const mime = requireMime("SparkPost", content, Boolean(rest["email_rfc822_is_base64"]));
  const message = await inboundFromMime(mime, {
    envelopeSender: stringOf(event["msg_from"]),
    envelopeRecipient: stringOf(event["rcpt_to"]),
  });
  return inboundEvent("SparkPost", { ...event, content: rest }, message);
}
