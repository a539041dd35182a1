import type { AttemptRecord } from "../attempt.js";
import type { Clock } from "../clock.js";
import { ConfigurationError } from "../errors.js";
import { nearest } from "../message/text.js";
import type { RetryBudgetOptions } from "../retry/budget.js";
import type { RetrySetting } from "../retry/defaults.js";
import type { FetchHooks } from "./hooks.js";
import type { RateLimit } from "./rate-limit.js";

/**
 * A `fetch` of the caller's own. What it throws after the provider's response came looks like a request that failed, so it is
 * retried only when the error names the provider's host and port. For a proxy or TLS options take `fetchWith`.
 */
export type FetchLike = (input: string, init?: RequestInit) => Promise<Response>;

/**
 * Called before the delay of each retry, and awaited. What it throws ends the retries, as the `cause` of a `PosthornError`.
 */
export type OnRetry = (info: {
  /** The attempt that failed, with the delay before the next. */
  readonly attempt: AttemptRecord;
  readonly provider: string | undefined;
}) => void | Promise<void>;

/** What tells a session that its provider is sick: a `CircuitBreaker`. */
export interface Breaker {
  /** Whether a send may go through now. */
  admit(): boolean;
  /** Takes note of a response's status, or of an error. */
  record(outcome: unknown): void;
  /** Milliseconds until the provider is tried again. */
  readonly opensIn: number;
}

/** Options of a `Session`. */
export interface SessionOptions {
  /**
   * What to retry: options over the default policy, a number (`3` is `{ total: 3 }`), a whole `RetryPolicy`, or `false`.
   *
   * @default only what is proven unsent; everything transient once a request has an idempotency key
   */
  readonly retry?: RetrySetting | undefined;
  /**
   * How many retries all sends together may make; `false` for no such limit.
   *
   * @default 500 tokens, 5 a retry, 10 after a timeout; a success returns them
   */
  readonly retryBudget?: RetryBudgetOptions | false | undefined;
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
  /** ofetch's interceptors: `onRequest`, `onRequestError`, `onResponse`. What they throw ends the call. */
  readonly hooks?: FetchHooks | undefined;
  /** The most requests in a span of time, over all concurrent sends. */
  readonly rateLimit?: RateLimit | undefined;
  /** A `CircuitBreaker`: fails sends at once while the provider is sick. One breaker may serve several sessions. */
  readonly breaker?: Breaker | undefined;
  /** Called before the delay of each retry. */
  readonly onRetry?: OnRetry | undefined;
  /** Time and randomness, for tests. */
  readonly clock?: Clock | undefined;
}

const SESSION_OPTIONS: Readonly<Record<keyof SessionOptions, string>> = {
  retry: "",
  retryBudget: "",
  timeout: "",
  fetch: "function",
  headers: "object",
  hooks: "object",
  rateLimit: "object",
  breaker: "object",
  onRetry: "function",
  clock: "object",
};

const SEND_OPTIONS: Readonly<Record<string, string>> = {
  signal: "",
  timeout: "",
  retry: "",
  idempotencyKey: "",
  trackingId: "",
  unsupported: "",
  only: "",
  onRequest: "function",
  concurrency: "",
};

/** @throws ConfigurationError for an unknown option or one of the wrong type */
export function checkSessionOptions(options: SessionOptions): void {
  checkTypes(options, SESSION_OPTIONS);
  checkTimeout(options.timeout);
}

/**
 * Checks the options of one send.
 *
 * @throws ConfigurationError for an unknown option, a signal that is none or a malformed timeout
 */
export function checkSendOptions(options: {
  readonly signal?: AbortSignal | undefined;
  readonly timeout?: number | undefined;
}): void {
  checkTypes(options, SEND_OPTIONS);
  checkTimeout(options.timeout);
  const signal: Partial<AbortSignal> | undefined = options.signal;
  if (
    signal === undefined ||
    (typeof signal?.aborted === "boolean" && typeof signal.addEventListener === "function")
  )
    return;
  throw new ConfigurationError('Option "signal" must be an AbortSignal: pass the controller\'s "signal"');
}

function checkTypes(options: object, types: Readonly<Record<string, string>>): void {
  if (typeof options !== "object" || options === null)
    throw new ConfigurationError("Options must be an object");
  const known = Object.keys(types);
  for (const [name, value] of Object.entries(options)) {
    const type = known.includes(name) ? types[name] : undefined;
    if (type === undefined) {
      const meant = nearest(name, known);
      const hint = meant ? `Did you mean "${meant}"?` : `Valid options: ${known.join(", ")}`;
      throw new ConfigurationError(`Unknown option "${name}". ${hint}`);
    }
    if (type && value !== undefined && (value === null || typeof value !== type))
      throw new ConfigurationError(
        `Option "${name}" must be ${type === "object" ? "an object" : "a function"}`,
      );
  }
}

function checkTimeout(timeout: number | undefined): void {
  if (timeout === undefined || (typeof timeout === "number" && timeout >= 1)) return;
  throw new ConfigurationError('Option "timeout" must be a number of milliseconds, 1 or more');
}
