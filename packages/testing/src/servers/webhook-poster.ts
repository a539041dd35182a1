import { setTimeout as sleep } from "node:timers/promises";

/** A post as a provider makes it. Made once: what is tried again is the very same post. */
export interface ProviderPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | FormData;
}

/** What became of a post. */
export interface WebhookDelivery {
  readonly url: string;
  /** What each try came to: the status of the answer, or the name of the error. */
  readonly tries: readonly (number | string)[];
  /** Whether the webhook took it in the end, with an answer of 2xx. */
  readonly taken: boolean;
}

/** Options of {@link createWebhookPoster}. */
export interface WebhookPosterOptions {
  /** How often a post is tried, as long as it gets no answer or one of 5xx. Default 3. */
  readonly tries?: number;
  /** Milliseconds before the second try, doubled before each further one. Default 50. */
  readonly retryDelay?: number;
  /** Milliseconds for one try. Default 10,000. */
  readonly timeout?: number;
}

/** Posts webhooks one after another, to loopback alone. */
export interface WebhookPoster {
  readonly deliveries: readonly WebhookDelivery[];
  /**
   * Puts a post in line. The promise does not reject. With {@link MAX_WAITING} in line already it is dropped, with
   * no try made.
   *
   * @throws Error when the URL is not on loopback
   */
  post(url: string, post: (url: string) => ProviderPost): Promise<WebhookDelivery>;
  /** Waits until no post is in line. */
  settled(): Promise<void>;
  /** Breaks off the post under way, drops the others, and waits for the end. */
  close(): Promise<void>;
}

const MAX_WAITING = 1000;

/** Starts without anything in line. */
export function createWebhookPoster(options: WebhookPosterOptions = {}): WebhookPoster {
  const { tries = 3, retryDelay = 50, timeout = 10_000 } = options;
  const closing = new AbortController();
  const deliveries: WebhookDelivery[] = [];
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  async function deliver(url: string, made: ProviderPost): Promise<WebhookDelivery> {
    const outcomes: (number | string)[] = [];
    for (let round = 0; round < tries && !closing.signal.aborted; round++) {
      if (round > 0) await pause(retryDelay * 2 ** (round - 1), closing.signal);
      const outcome = await attempt(
        url,
        made,
        AbortSignal.any([closing.signal, AbortSignal.timeout(timeout)]),
      );
      outcomes.push(outcome);
      if (typeof outcome === "number" && outcome < 500) break;
    }
    return record(url, outcomes);
  }

  function record(url: string, outcomes: readonly (number | string)[]): WebhookDelivery {
    const status = outcomes.at(-1);
    const taken = typeof status === "number" && status >= 200 && status < 300;
    const delivery = { url, tries: outcomes, taken };
    deliveries.push(delivery);
    return delivery;
  }

  return {
    deliveries,
    post(url, make) {
      assertLoopback(url);
      if (waiting >= MAX_WAITING) return Promise.resolve(record(url, []));
      waiting++;
      const made = make(url);
      const delivery = last.then(() => deliver(url, made)).finally(() => waiting--);
      last = delivery;
      return delivery;
    },
    async settled() {
      for (let seen: unknown; seen !== last; ) {
        seen = last;
        await last;
      }
    },
    async close() {
      closing.abort();
      await last;
    },
  };
}

/** @throws Error unless the URL's host is this machine: a fake must not post to anyone else */
export function assertLoopback(url: string): void {
  const { hostname } = new URL(url);
  if (hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname)) return;
  throw new Error(`a fake provider posts webhooks to loopback alone, not to ${hostname}`);
}

async function attempt(url: string, post: ProviderPost, signal: AbortSignal): Promise<number | string> {
  const target = new URL(url);
  const headers = new Headers(post.headers);
  if (target.username) {
    const credentials = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
    headers.set("authorization", `Basic ${Buffer.from(credentials).toString("base64")}`);
    target.username = "";
    target.password = "";
  }
  try {
    const init = { method: "POST", headers, body: post.body, redirect: "manual" as const, signal };
    const response = await fetch(target, init);
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return cause?.code ?? name;
  }
}

/** Waits, and ends early without a word when told to. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
