import type { RetryOptions } from "./options.js";
import { RetryPolicy } from "./policy.js";

const COMMON: RetryOptions = {
  total: 3,
  other: 0,
  redirect: 0,
  allowedMethods: null,
  backoffFactor: 1,
  backoffMax: 30,
  jitter: true,
  deadline: 60,
};

/**
 * What a session retries by default: only what is proven unsent, which is a failure to connect, a 421 or 429, and a 503 (or
 * 413) of the provider's own that carries a Retry-After. Up to 3 retries within 60 seconds.
 */
export const RETRY_UNSENT: RetryPolicy = new RetryPolicy({
  ...COMMON,
  read: false,
  statusForcelist: [421, 429],
});

/**
 * What a session retries by default when the request carries an idempotency key, so that the provider drops a
 * second copy: also lost connections, timeouts and the transient statuses.
 */
export const RETRY_IDEMPOTENT: RetryPolicy = new RetryPolicy({
  ...COMMON,
  statusForcelist: [408, 421, 425, 429, 500, 502, 503, 504],
});

/**
 * How a caller says what to retry: options over the defaults, a number (`3` is `{ total: 3 }`), a whole policy, or `false` for no
 * retries.
 */
export type RetrySetting = RetryOptions | RetryPolicy | number | false;

const NEVER = new RetryPolicy({ total: false, deadline: 60 });

/**
 * The policy that holds for one call.
 *
 * @param base what options are laid over, or whether the request is idempotent, which decides it
 */
export function resolveRetry(setting: RetrySetting | undefined, base: RetryPolicy | boolean): RetryPolicy {
  // By shape: it may be of another copy of this package.
  if (typeof setting === "object" && "decide" in setting) return setting;
  if (setting === false) return NEVER;
  if (typeof setting === "number") return resolveRetry({ total: setting }, base);
  const policy = typeof base === "object" ? base : base ? RETRY_IDEMPOTENT : RETRY_UNSENT;
  return setting === undefined ? policy : policy.with(setting);
}
