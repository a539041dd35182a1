import { ConfigurationError } from "../errors.js";
import type { InboundEvent } from "../inbound/message.js";
import type { TrackingEvent } from "./event.js";
import { type EventLike, type WebhookHandler, type WebhookSpec, webhookHandler } from "./handler.js";
import { resolveWebhookOptions, type WebhookOptionForms, type WebhookOptions } from "./options.js";
import type { WebhookPost } from "./post.js";

/** A check of posts. @throws WebhookSignatureError */
export type VerifyPost = (post: WebhookPost) => void | Promise<void>;

/** What is particular to a provider's webhook, as {@link trackingHandler} and {@link inboundHandler} take it. */
export interface ProviderWebhook<E, O>
  extends Pick<WebhookSpec<E>, "challenge" | "keyOf" | "retryStatus" | "signatureStatus" | "verifiedBy"> {
  /** Display name of the provider. */
  readonly name: string;
  /** What its environment variables begin with, such as `MAILGUN`. */
  readonly envPrefix: string;
  /** The forms of its own options, beside those that every webhook has. */
  readonly options?: WebhookOptionForms | undefined;
  /**
   * Bytes of a post, where the options do not say.
   *
   * @default 1 MB for tracking that is verified by its body, since anyone may post one; 10 MB for other tracking; 50 MB for
   * received messages
   */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Makes the check of the provider's own signature when the webhook is made, so that keys are parsed then; `undefined` where
   * the options hold no key.
   *
   * @throws ConfigurationError for a malformed key
   */
  readonly verify?: ((options: O) => VerifyPost | undefined) | undefined;
  /** Whether the provider signs every post, so that basic auth alone is a mistake. Names the variable that a key may be in. */
  readonly signsAll?: string | undefined;
  /** The events of a verified post, in order. What one entry cannot be read for goes to `report`. */
  readonly read: (
    post: WebhookPost,
    options: O,
    report: (error: unknown) => void,
  ) => readonly E[] | Promise<readonly E[]>;
}

/**
 * A provider's tracking webhook: options checked and completed from the environment, keys parsed, posts read within limits,
 * verified, and their events handed out.
 *
 * @throws ConfigurationError for wrong options, or with nothing to verify by
 */
export function trackingHandler<O extends WebhookOptions<TrackingEvent>>(
  webhook: ProviderWebhook<TrackingEvent, O>,
  options: O,
): WebhookHandler {
  return providerHandler(webhook, options, webhook.verify ? 1_000_000 : 10_000_000);
}

/** The same for received messages. @throws ConfigurationError for wrong options, or with nothing to verify by */
export function inboundHandler<O extends WebhookOptions<InboundEvent>>(
  webhook: ProviderWebhook<InboundEvent, O>,
  options: O,
): WebhookHandler {
  return providerHandler(webhook, options, 50_000_000);
}

function providerHandler<E extends EventLike, O extends WebhookOptions<E>>(
  webhook: ProviderWebhook<E, O>,
  options: O,
  maxBodyBytes: number,
): WebhookHandler {
  const { name, envPrefix, options: forms = {}, verify, signsAll, read, ...rest } = webhook;
  const resolved = resolveWebhookOptions(name, envPrefix, forms, options);
  const check = verify?.(resolved);
  if (signsAll && !check && !resolved.insecure) {
    throw new ConfigurationError(
      `${name}: nothing to verify posts by: ${rest.verifiedBy} is required: pass it or set ${envPrefix}_${signsAll}`,
      { provider: name },
    );
  }
  return webhookHandler<E>(
    {
      ...rest,
      provider: name,
      maxBodyBytes: webhook.maxBodyBytes ?? maxBodyBytes,
      verify: check,
      read: (post, report) => read(post, resolved, report),
    },
    resolved,
  );
}
