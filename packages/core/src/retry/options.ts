import type { FailureClass } from "../attempt.js";
import { ConfigurationError } from "../errors.js";

/** A retry budget: a number of retries left, `null` for no limit of its own, `false` for "never retry this". */
export type Budget = number | null | false;

/**
 * What may be retried, in urllib3's vocabulary, in camel case. All times are in seconds, as there.
 *
 * @see https://urllib3.readthedocs.io/en/stable/reference/urllib3.util.html#urllib3.util.Retry
 */
export interface RetryOptions {
  /** Retries over all classes together. Default 10. `false` turns retrying off and errors come out as they are. */
  readonly total?: Budget | undefined;
  /** Retries of failures before anything was sent. Default `null`. */
  readonly connect?: Budget | undefined;
  /** Retries after the request may have been sent; only for `allowedMethods`. Default `null`. */
  readonly read?: Budget | undefined;
  /** Redirects to follow. Default `null`. Sessions never follow one that changes the method or the origin. */
  readonly redirect?: Budget | undefined;
  /** Retries made for an answer's status. Default `null`. */
  readonly status?: Budget | undefined;
  /** Retries of other failures, such as a bad certificate. Default `null`. */
  readonly other?: Budget | undefined;
  /** Methods that are retried after `read` failures and statuses; empty or `null` for any. */
  readonly allowedMethods?: readonly string[] | null | undefined;
  /** Statuses to retry. 413, 429 and 503 with a Retry-After are retried even when they are not listed. */
  readonly statusForcelist?: readonly number[] | null | undefined;
  /** Seconds: before the nth consecutive retry, n > 1, `backoffFactor * 2 ** (n - 1)` are slept. Default 0. */
  readonly backoffFactor?: number | undefined;
  /** Seconds: the longest backoff. Default 120. */
  readonly backoffMax?: number | undefined;
  /** Seconds: up to so much is added to each backoff at random. Default 0. */
  readonly backoffJitter?: number | undefined;
  /**
   * Beyond urllib3: whether delays are spread at random from the first retry on, so that senders that failed together do not come back
   * together. The nth retry waits a random part of `backoffFactor * 2 ** (n - 1)` seconds, n from 1; a Retry-After gets up to a quarter
   * more, at least 1 and at most 30 seconds, and never less. `false` is urllib3's exact timing.
   *
   * @default `false`; `true` in the default policies of sessions
   */
  readonly jitter?: boolean | undefined;
  /** Whether Retry-After is obeyed. Default `true`. */
  readonly respectRetryAfter?: boolean | undefined;
  /** Seconds: a longer Retry-After is cut to this. Default 21600. */
  readonly retryAfterMax?: number | undefined;
  /** Whether exhausting the budgets on a status is an error rather than that response. Default `true`. */
  readonly raiseOnStatus?: boolean | undefined;
  /**
   * Seconds for the whole call: connecting, waiting, sleeping, reading the body of every attempt. Default none.
   * Beyond urllib3: a Retry-After that outlasts it ends the call at once.
   */
  readonly deadline?: number | null | undefined;
  /** What has been retried so far; `increment()` adds to it. */
  readonly history?: readonly RetryHistoryEntry[] | undefined;
}

/** One retry in a policy's history. */
export interface RetryHistoryEntry {
  readonly method: string;
  readonly url: string | undefined;
  readonly class: FailureClass;
  readonly status: number | undefined;
  readonly redirectLocation: string | undefined;
}

/** The budgets by name. */
export type BudgetName = "total" | "connect" | "read" | "redirect" | "status" | "other";

export const BUDGETS: readonly BudgetName[] = ["total", "connect", "read", "redirect", "status", "other"];
const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  ...BUDGETS,
  "allowedMethods",
  "statusForcelist",
  "backoffFactor",
  "backoffMax",
  "backoffJitter",
  "jitter",
  "respectRetryAfter",
  "retryAfterMax",
  "raiseOnStatus",
  "deadline",
  "history",
]);

/** @throws ConfigurationError for an unknown option or a malformed value */
export function checkRetryOptions(options: RetryOptions): void {
  for (const key of Object.keys(options)) {
    if (!KNOWN_OPTIONS.has(key)) {
      throw new ConfigurationError(
        `Unknown retry option "${key}"; known are ${[...KNOWN_OPTIONS].join(", ")}`,
      );
    }
  }
  for (const name of BUDGETS) {
    const value: unknown = options[name];
    if (value === undefined || value === null || value === false || Number.isInteger(value)) continue;
    throw new ConfigurationError(`Retry option "${name}" is a whole number, null or false`);
  }
  for (const name of ["backoffFactor", "backoffMax", "backoffJitter", "retryAfterMax", "deadline"] as const) {
    const value: unknown = options[name];
    if (value === undefined || value === null || (typeof value === "number" && !Number.isNaN(value)))
      continue;
    throw new ConfigurationError(`Retry option "${name}" is a number of seconds`);
  }
  if (options.deadline !== undefined && options.deadline !== null && !(options.deadline > 0)) {
    throw new ConfigurationError(`Retry option "deadline" is a number of seconds above 0`);
  }
  for (const name of ["allowedMethods", "statusForcelist"] as const) {
    const value: unknown = options[name];
    if (value === undefined || value === null || Array.isArray(value)) continue;
    throw new ConfigurationError(`Retry option "${name}" is a list`);
  }
}
