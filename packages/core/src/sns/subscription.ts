import { fetchBytes } from "../bytes/fetch-bytes.js";
import { PosthornError, WebhookRequestError, WebhookSignatureError } from "../errors.js";
import type { InboundEvent } from "../inbound/message.js";
import type { TrackingEvent } from "../webhooks/event.js";
import { type WebhookHandler, webhookHandler } from "../webhooks/handler.js";
import {
  resolveWebhookOptions,
  type Secrets,
  secretList,
  type WebhookOptionForms,
  type WebhookOptions,
} from "../webhooks/options.js";
import type { WebhookPost } from "../webhooks/post.js";
import { stringOf } from "../webhooks/values.js";
import { readEnvelope, type SnsEnvelope } from "./envelope.js";
import { plainUrl, type SnsService } from "./service.js";
import { type SignerCache, type SnsSignatureOptions, verifySns } from "./signature.js";

/** Options that every webhook on SNS takes. */
export interface SnsOptions<E> extends Omit<WebhookOptions<E>, "maxAge" | "clock">, SnsSignatureOptions {
  /**
   * The SNS topics to take messages of. With them every message's signature is checked, and a subscription is confirmed by
   * itself. Environment: `…_TOPIC_ARNS`, several with commas between.
   */
  readonly topicArns?: Secrets | undefined;
  /** Whether a subscription of one of `topicArns` is confirmed by itself. Default `true`. */
  readonly autoConfirmSnsSubscriptions?: boolean | undefined;
}

/** The forms of {@link SnsOptions}. */
const SNS_FORMS: WebhookOptionForms = {
  topicArns: "secrets",
  autoConfirmSnsSubscriptions: (value: unknown) => typeof value === "boolean",
  trustAnchors: Array.isArray,
  fetch: (value: unknown) => typeof value === "function",
};

/** Bytes of a post: a message of SNS has 256 KB, which JSON within JSON makes longer. Anyone may post to the webhook. */
const MAX_POST = 1_000_000;

/** What is particular to a webhook on SNS. */
export interface SnsWebhookSpec<E, O> {
  readonly service: SnsService;
  /** The forms of its own options. */
  readonly forms?: WebhookOptionForms;
  /** Status of the response to a post whose signature does not match. @default 400 */
  readonly signatureStatus?: number;
  /** The events of a notification. */
  readonly read: (envelope: SnsEnvelope, options: O) => readonly E[] | Promise<readonly E[]>;
}

/**
 * A webhook on SNS: verifies, confirms subscriptions, and leaves notifications to `read`.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function snsWebhook<E extends TrackingEvent | InboundEvent, O extends SnsOptions<E>>(
  { service, forms, signatureStatus, read }: SnsWebhookSpec<E, O>,
  options: O,
): WebhookHandler {
  const { provider, envPrefix } = service;
  const resolved = resolveWebhookOptions(provider, envPrefix, { ...SNS_FORMS, ...forms }, options);
  const topics = secretList(resolved.topicArns).flatMap((list) => list.split(",").map((arn) => arn.trim()));
  const cache: SignerCache = new Map();
  return webhookHandler<E>(
    {
      provider,
      maxBodyBytes: MAX_POST,
      verifiedBy: "topicArns",
      signatureStatus,
      verify: topics.length > 0 ? (post) => verifyPost(service, post, topics, resolved, cache) : undefined,
      // SNS tries without credentials first.
      challenge: true,
      read: async (post) => {
        const envelope = readEnvelope(provider, post);
        if (envelope.type === "Notification") return read(envelope, resolved);
        if (envelope.type === "SubscriptionConfirmation") {
          await confirm(service, envelope, topics, resolved, post.request);
        }
        return [];
      },
    },
    resolved,
  );
}

async function verifyPost(
  service: SnsService,
  post: WebhookPost,
  topics: readonly string[],
  options: SnsSignatureOptions,
  cache: SignerCache,
): Promise<void> {
  const { provider } = service;
  const envelope = readEnvelope(provider, post);
  if (!topics.includes(envelope.topicArn)) {
    throw new WebhookSignatureError(`${provider}: the message is of a topic that is not among topicArns`, {
      provider,
    });
  }
  await verifySns(service, envelope, options, cache);
}

async function confirm<E>(
  { provider, isConfirmUrl }: SnsService,
  envelope: SnsEnvelope,
  topics: readonly string[],
  options: SnsOptions<E>,
  request: Request,
): Promise<void> {
  const url = plainUrl(stringOf(envelope.fields["SubscribeURL"]));
  if (!url || !isConfirmUrl(url)) {
    throw new WebhookRequestError(`${provider}: the address to confirm by is not one of SNS`, {
      status: 400,
    });
  }
  // Without a secret anyone may have sent this.
  if (topics.length === 0 && !options.basicAuth) {
    throw new WebhookRequestError(
      `${provider}: a subscription of an unknown topic is not confirmed; give topicArns`,
      { status: 400 },
    );
  }
  if (options.autoConfirmSnsSubscriptions === false) return;
  if (!topics.includes(envelope.topicArn)) {
    options.onError?.(
      new PosthornError(
        `${provider}: the subscription to ${envelope.topicArn} waits to be confirmed: put the topic into topicArns, or confirm it in the SNS console`,
        { provider },
      ),
      request,
    );
    return;
  }
  await fetchBytes(provider, url.href, {}, options.fetch);
}
