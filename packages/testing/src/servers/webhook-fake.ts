import type { FakeProvider } from "./fake-provider.js";
import type { ReceivedMail } from "./received-mail.js";
import {
  assertLoopback,
  createWebhookPoster,
  type ProviderPost,
  type WebhookDelivery,
  type WebhookPosterOptions,
} from "./webhook-poster.js";

/** Where a fake provider posts what happens, as one sets it in a provider's control panel. */
export interface WebhookUrls {
  readonly tracking?: string;
  readonly inbound?: string;
}

/** A fake provider that posts signed webhooks as the real one does, on loopback. */
export interface WebhookFake extends FakeProvider {
  /** The key that its posts are signed with. */
  readonly webhookKey: string;
  /** Posts made, oldest first. */
  readonly deliveries: readonly WebhookDelivery[];
  /** @throws Error when a URL is not on loopback */
  setWebhooks(urls: WebhookUrls): void;
  /**
   * Receives a mail, and posts it to the inbound webhook.
   *
   * @throws Error when there is none
   */
  receiveMail(mail: ReceivedMail): Promise<WebhookDelivery>;
  /** Waits until what happened so far has been posted. */
  settled(): Promise<void>;
}

/** The webhooks of a fake to be. */
export interface FakeWebhooks {
  /** Posts to the tracking webhook, where there is one. */
  track(post: (url: string) => ProviderPost): void;
  /** The fake with its webhooks. Closing it breaks off its posts first. */
  attachTo(fake: FakeProvider): WebhookFake;
}

/** Webhooks that are not set yet. */
export function createFakeWebhooks(
  webhookKey: string,
  inboundPost: (mail: ReceivedMail, url: string) => ProviderPost,
  options: WebhookPosterOptions,
): FakeWebhooks {
  const poster = createWebhookPoster(options);
  let targets: WebhookUrls = {};
  return {
    track(post) {
      if (targets.tracking !== undefined) poster.post(targets.tracking, post);
    },
    attachTo(fake) {
      const webhooks = {
        webhookKey,
        deliveries: poster.deliveries,
        setWebhooks(urls: WebhookUrls) {
          for (const url of [urls.tracking, urls.inbound]) if (url !== undefined) assertLoopback(url);
          targets = urls;
        },
        async receiveMail(mail: ReceivedMail) {
          const { inbound } = targets;
          if (inbound === undefined) throw new Error("no inbound webhook is set");
          return poster.post(inbound, (url) => inboundPost(mail, url));
        },
        settled: poster.settled,
        async close() {
          await poster.close();
          await fake.close();
        },
      };
      // Not a spread: the fake's counters are getters.
      return Object.create(fake, Object.getOwnPropertyDescriptors(webhooks)) as WebhookFake;
    },
  };
}
