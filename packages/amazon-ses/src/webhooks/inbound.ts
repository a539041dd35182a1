import { type InboundEvent, inboundEvent, inboundFromMime, requireMime } from "@posthorn/core/inbound";
import { readNotification, type SnsEnvelope, type SnsOptions, snsWebhook } from "@posthorn/core/sns";
import {
  ConfigurationError,
  dateOf,
  idOf,
  type JsonRecord,
  misdirected,
  readEnv,
  recordOf,
  stringOf,
  stringsOf,
  type WebhookHandler,
} from "@posthorn/core/webhooks";
import { getObject, type S3Options } from "./s3.js";
import { AMAZON_SNS } from "./service.js";

/** Options of {@link inboundWebhook}. */
export interface AmazonSesInboundOptions extends SnsOptions<InboundEvent>, S3Options {}

/**
 * Takes mail that SES received, by receipt rules with an SNS action (the mail is in the notification) or an S3 action
 * that tells a topic (the mail is fetched from the bucket).
 *
 * @see https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: AmazonSesInboundOptions): WebhookHandler {
  const forms = {
    accessKeyId: "text",
    secretAccessKey: "text",
    sessionToken: "text",
    region: "text",
    s3Url: "text",
    credentials: (value: unknown) => typeof value === "function",
  } as const;
  const given = {
    ...options,
    accessKeyId: options.accessKeyId ?? readEnv("AWS_ACCESS_KEY_ID"),
    secretAccessKey: options.secretAccessKey ?? readEnv("AWS_SECRET_ACCESS_KEY"),
    sessionToken: options.sessionToken ?? readEnv("AWS_SESSION_TOKEN"),
  };
  return snsWebhook<InboundEvent, AmazonSesInboundOptions>(
    {
      service: AMAZON_SNS,
      forms,
      // SNS takes every status from 200 to 4xx for a delivery, and tries again after 5xx alone.
      // https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html
      signatureStatus: 503,
      read: async (envelope, resolved) => [await readMail(envelope, resolved)],
    },
    given,
  );
}

async function readMail(envelope: SnsEnvelope, options: AmazonSesInboundOptions): Promise<InboundEvent> {
  const { content, ...notification } = readNotification("Amazon SES", envelope);
  const type = notification["notificationType"] ?? notification["eventType"];
  if (type !== "Received") {
    throw misdirected("Amazon SES", "event", stringOf(type) ?? undefined);
  }
  const mail = recordOf(notification["mail"]);
  const receipt = recordOf(notification["receipt"]);
  const verdict = (name: string) => stringOf(recordOf(receipt[name])["status"]);
  const spam = verdict("spamVerdict");
  const message = await inboundFromMime(await mimeOf(receipt, content, envelope, options), {
    envelopeSender: stringOf(mail["source"]),
    envelopeRecipient: stringsOf(receipt["recipients"])[0],
    spamDetected: spam === "FAIL" ? true : spam === "PASS" ? false : null,
    authentication: {
      spf: verdict("spfVerdict"),
      dkim: verdict("dkimVerdict"),
      dmarc: verdict("dmarcVerdict"),
    },
  });
  return inboundEvent("Amazon SES", notification, message, {
    eventId: idOf(mail["messageId"]),
    timestamp: dateOf(mail["timestamp"]),
  });
}

async function mimeOf(
  receipt: JsonRecord,
  content: unknown,
  envelope: SnsEnvelope,
  options: AmazonSesInboundOptions,
): Promise<Uint8Array | string> {
  const action = recordOf(receipt["action"]);
  if (action["type"] === "S3") {
    return getObject(
      {
        bucket: stringOf(action["bucketName"]) ?? "",
        key: stringOf(action["objectKey"]) ?? "",
        // arn:aws:sns:REGION:ACCOUNT:NAME
        region: envelope.topicArn.split(":")[3] ?? "",
      },
      options,
    );
  }
  if (typeof content !== "string") {
    throw new ConfigurationError(
      `Amazon SES: a receipt rule with the action "${stringOf(action["type"])}" has no mail; use SNS or S3`,
      { provider: "Amazon SES" },
    );
  }
  return requireMime("Amazon SES", content, action["encoding"] === "BASE64");
}
