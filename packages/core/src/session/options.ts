import type { AttemptRecord } from "../attempt.js";
import type { Clock } from "../clock.js";
import { ConfigurationError } from "../errors.js";
import type { RetrySetting } from "../retry/defaults.js";
import type { FetchHooks } from "./hooks.js";
import type { RateLimit } from "./rate-limit.js";

/** A `fetch` of the caller's own. */
export type FetchLike = (input: string, init?: RequestInit) => Promise<Response>;

/** Called before the delay of each retry. What it throws ends the retries, as the `cause` of a `PosthornError`. */
export type OnRetry = (info: {
  /** The attempt that failed, with the delay before the next. */
  readonly attempt: AttemptRecord;
  readonly provider: string | undefined;
}) => void;

/** Options of a `Session`. */
export interface SessionOptions {
  /**
   * What to retry: options over the default policy, a number (`3` is `{ total: 3 }`), a whole `RetryPolicy`, or `false`.
   *
   * @default only what is proven unsent; everything transient once a request has an idempotency key
   */
  readonly retry?: RetrySetting | undefined;
  /**
   * Milliseconds for one attempt: connecting, waiting and reading the body.
   *
   * @default 30_000
   */
  readonly timeout?: number | undefined;
  /** The `fetch` to use instead of the platform's. */
  readonly fetch?: FetchLike | undefined;
  /** Headers sent with every request, unless it has its own of that name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** ofetch's interceptors: `onRequest`, `onRequestError`, `onResponse`. */
  readonly hooks?: FetchHooks | undefined;
  /** The most requests in a span of time, over all concurrent sends. */
  readonly rateLimit?: RateLimit | undefined;
  /** Called before the delay of each retry. */
  readonly onRetry?: OnRetry | undefined;
  /** Time and randomness, for tests. */
  readonly clock?: Clock | undefined;
}

/** @throws ConfigurationError unless it is absent or a number of milliseconds */
export function checkTimeout(timeout: number | undefined): void {
  if (timeout === undefined || (typeof timeout === "number" && timeout >= 1)) return;
  throw new ConfigurationError('Option "timeout" must be a number of milliseconds, 1 or more');
}
