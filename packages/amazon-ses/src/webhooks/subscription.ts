import type { InboundEvent } from "@posthorn/core/inbound";
import {
  fetchBytes,
  PosthornError,
  resolveWebhookOptions,
  type Secrets,
  secretList,
  type TrackingEvent,
  textOf,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
  WebhookRequestError,
  WebhookSignatureError,
  webhookHandler,
} from "@posthorn/core/webhook";
import { type CertificateCache, type SnsSignatureOptions, verifySns } from "./signature.js";
import { isSnsUrl, readEnvelope, type SnsEnvelope } from "./sns.js";

/** Options that both webhooks of Amazon SES take. */
export interface SnsOptions<E> extends Omit<WebhookOptions<E>, "maxAge" | "clock">, SnsSignatureOptions {
  /**
   * The SNS topics to take messages of. With them every message's signature is checked, and a subscription is confirmed by
   * itself. Environment: `AMAZON_SES_TOPIC_ARNS`.
   */
  readonly topicArns?: Secrets | undefined;
  /** Whether a subscription of one of `topicArns` is confirmed by itself. Default `true`. */
  readonly autoConfirmSnsSubscriptions?: boolean | undefined;
}

/** The forms of {@link SnsOptions}. */
const SNS_FORMS = {
  topicArns: "secrets",
  autoConfirmSnsSubscriptions: (value: unknown) => typeof value === "boolean",
  trustAnchors: Array.isArray,
  fetch: (value: unknown) => typeof value === "function",
} as const;

type SnsEvent = TrackingEvent | InboundEvent;

/** A webhook on SNS: verifies, confirms subscriptions, and leaves notifications to `read`. */
export function snsWebhook<E extends SnsEvent, O extends SnsOptions<E>>(
  options: O,
  forms: Parameters<typeof resolveWebhookOptions>[2],
  maxBodyBytes: number,
  read: (envelope: SnsEnvelope, options: O) => readonly E[] | Promise<readonly E[]>,
): WebhookHandler {
  const resolved = resolveWebhookOptions("Amazon SES", "AMAZON_SES", { ...SNS_FORMS, ...forms }, options);
  const topics = secretList(resolved.topicArns);
  const cache: CertificateCache = new Map();
  return webhookHandler<E>(
    {
      provider: "Amazon SES",
      maxBodyBytes,
      verifiedBy: "topicArns",
      verify: topics.length > 0 ? (post) => verifyPost(post, topics, resolved, cache) : undefined,
      // SNS tries without credentials first.
      challenge: true,
      read: async (post) => {
        const envelope = readEnvelope(post);
        if (envelope.type === "Notification") return read(envelope, resolved);
        if (envelope.type === "SubscriptionConfirmation")
          await confirm(envelope, topics, resolved, post.request);
        return [];
      },
    },
    resolved,
  );
}

async function verifyPost(
  post: WebhookPost,
  topics: readonly string[],
  options: SnsSignatureOptions,
  cache: CertificateCache,
): Promise<void> {
  const envelope = readEnvelope(post);
  if (!topics.includes(envelope.topicArn)) {
    throw new WebhookSignatureError("Amazon SES: the message is of a topic that is not among topicArns", {
      provider: "Amazon SES",
    });
  }
  await verifySns(envelope, options, cache);
}

async function confirm<E>(
  envelope: SnsEnvelope,
  topics: readonly string[],
  options: SnsOptions<E>,
  request: Request,
): Promise<void> {
  const url = textOf(envelope.fields["SubscribeURL"]) ?? "";
  if (!isSnsUrl(url)) {
    throw new WebhookRequestError("Amazon SES: the address to confirm by is not one of SNS", { status: 400 });
  }
  // Without a secret anyone may have sent this.
  if (topics.length === 0 && !options.webhookSecret) {
    throw new WebhookRequestError(
      "Amazon SES: a subscription of an unknown topic is not confirmed; give topicArns",
      {
        status: 400,
      },
    );
  }
  if (options.autoConfirmSnsSubscriptions === false) return;
  if (!topics.includes(envelope.topicArn)) {
    options.onError?.(
      new PosthornError(
        `Amazon SES: the subscription to ${envelope.topicArn} waits to be confirmed: put the topic into topicArns, or confirm it in the SNS console`,
        { provider: "Amazon SES" },
      ),
      request,
    );
    return;
  }
  await fetchBytes("Amazon SES", url, {}, options.fetch);
}
