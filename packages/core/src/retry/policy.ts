import { ConfigurationError } from "../errors.js";
import type { FailureClass } from "../session/attempt.js";
import { parseRetryAfter } from "./retry-after.js";

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

/** The outcome of one attempt that a policy decides on. */
export interface RetryEvent {
  readonly class: FailureClass;
  /** For the classes `status` and `redirect`. */
  readonly status?: number | undefined;
  /** The Retry-After header of the answer, where it had one. */
  readonly retryAfter?: string | null | undefined;
  readonly redirectLocation?: string | undefined;
  readonly url?: string | undefined;
}

/** What to do after an attempt. */
export type RetryDecision =
  | {
      readonly decision: "retry";
      /** Seconds to sleep first. */
      readonly delay: number;
      readonly delaySource: "none" | "backoff" | "retry-after";
      /** The state to go on with. */
      readonly next: RetryPolicy;
    }
  | {
      /** `raise`: an error comes out. `return-response`: the answer is final as it stands. */
      readonly decision: "raise" | "return-response";
      readonly why:
        | "not-retryable-status"
        | "method-not-allowed"
        | "class-disabled"
        | "retries-disabled"
        | "exhausted";
      /** The budgets that ran out. */
      readonly exhausted: readonly BudgetName[];
    };

export type BudgetName = "total" | "connect" | "read" | "redirect" | "status" | "other";

/** Statuses on which a Retry-After is obeyed without their being listed (RFC 9110, RFC 6585). */
export const RETRY_AFTER_STATUSES: ReadonlySet<number> = new Set([413, 429, 503]);

/** urllib3's default for `allowedMethods`: the methods that are idempotent by RFC 9110. */
export const IDEMPOTENT_METHODS: readonly string[] = ["DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"];

const BUDGETS: readonly BudgetName[] = ["total", "connect", "read", "redirect", "status", "other"];
const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  ...BUDGETS,
  "allowedMethods",
  "statusForcelist",
  "backoffFactor",
  "backoffMax",
  "backoffJitter",
  "respectRetryAfter",
  "retryAfterMax",
  "raiseOnStatus",
  "deadline",
  "history",
]);

/**
 * Retry budgets and backoff with urllib3's decisions. Immutable: {@link RetryPolicy.decide} and
 * {@link RetryPolicy.increment} give the next state.
 *
 * `new RetryPolicy()` has urllib3's defaults. The defaults of a session are stricter: see `defaultRetry`.
 *
 * @throws ConfigurationError for an unknown option or a value of the wrong form
 */
export class RetryPolicy {
  readonly total: Budget;
  readonly connect: Budget;
  readonly read: Budget;
  readonly redirect: Budget;
  readonly status: Budget;
  readonly other: Budget;
  readonly allowedMethods: readonly string[] | null;
  readonly statusForcelist: readonly number[];
  readonly backoffFactor: number;
  readonly backoffMax: number;
  readonly backoffJitter: number;
  readonly respectRetryAfter: boolean;
  readonly retryAfterMax: number;
  readonly raiseOnStatus: boolean;
  readonly deadline: number | null;
  readonly history: readonly RetryHistoryEntry[];

  constructor(options: RetryOptions = {}) {
    validate(options);
    this.total = given(options.total, 10);
    this.connect = given(options.connect, null);
    this.read = given(options.read, null);
    this.redirect = this.total === false ? 0 : given(options.redirect, null);
    this.status = given(options.status, null);
    this.other = given(options.other, null);
    this.allowedMethods = upper(given(options.allowedMethods, IDEMPOTENT_METHODS));
    this.statusForcelist = options.statusForcelist ?? [];
    this.backoffFactor = options.backoffFactor ?? 0;
    this.backoffMax = options.backoffMax ?? 120;
    this.backoffJitter = options.backoffJitter ?? 0;
    this.respectRetryAfter = options.respectRetryAfter ?? true;
    this.retryAfterMax = options.retryAfterMax ?? 21_600;
    this.raiseOnStatus = options.raiseOnStatus ?? true;
    this.deadline = options.deadline ?? null;
    this.history = options.history ?? [];
  }

  /** The same policy with some options changed. */
  with(options: RetryOptions): RetryPolicy {
    return new RetryPolicy({ ...this, ...options });
  }

  /** Whether an answer of this status to this method is to be tried again, budgets aside. */
  isRetry(method: string, status: number, hasRetryAfter = false): boolean {
    if (!this.isMethodAllowed(method)) return false;
    if (this.statusForcelist.includes(status)) return true;
    // As in urllib3, a total of 0, null or false turns this path off.
    return Boolean(this.total) && this.respectRetryAfter && hasRetryAfter && RETRY_AFTER_STATUSES.has(status);
  }

  /** Whether `read` failures and statuses of this method are retried. */
  isMethodAllowed(method: string): boolean {
    return !this.allowedMethods?.length || this.allowedMethods.includes(method.toUpperCase());
  }

  /** Whether a budget has been overdrawn. */
  isExhausted(): boolean {
    return this.exhausted().length > 0;
  }

  /** The budgets that have been overdrawn. */
  exhausted(): readonly BudgetName[] {
    return BUDGETS.filter((name) => Number(this[name]) < 0);
  }

  /** Seconds that the backoff asks for now. `random` gives numbers in [0, 1). */
  backoffTime(random: () => number = Math.random): number {
    const consecutive =
      this.history.length - 1 - this.history.findLastIndex((entry) => entry.redirectLocation);
    if (consecutive <= 1) return 0;
    const jitter = this.backoffJitter === 0 ? 0 : random() * this.backoffJitter;
    const backoff = this.backoffFactor * 2 ** (consecutive - 1) + jitter;
    return Math.max(0, Math.min(this.backoffMax, backoff));
  }

  /**
   * Seconds that a Retry-After header asks for, cut to `retryAfterMax`; `undefined` when it cannot be read.
   *
   * @param now milliseconds since the epoch
   */
  parseRetryAfter(header: string, now: number = Date.now()): number | undefined {
    const seconds = parseRetryAfter(header, now);
    return seconds === undefined ? undefined : Math.min(seconds, this.retryAfterMax);
  }

  /** The state after one failed attempt, which may be exhausted. */
  increment(method: string, event: RetryEvent): RetryPolicy {
    return this.with({
      total: spend(this.total),
      [event.class]: spend(this[event.class]),
      history: [
        ...this.history,
        {
          method,
          url: event.url,
          class: event.class,
          status: event.status,
          redirectLocation: event.redirectLocation,
        },
      ],
    });
  }

  /**
   * What to do after an attempt with this outcome.
   *
   * @param clock `now` in milliseconds since the epoch and a source of chance; the platform's by default
   */
  decide(
    method: string,
    event: RetryEvent,
    clock: { now(): number; random(): number } = { now: Date.now, random: Math.random },
  ): RetryDecision {
    if (event.class === "status") {
      const status = event.status ?? 0;
      const hasRetryAfter = Boolean(event.retryAfter);
      if (!this.isRetry(method, status, hasRetryAfter)) {
        const candidate =
          this.statusForcelist.includes(status) || (hasRetryAfter && RETRY_AFTER_STATUSES.has(status));
        const why =
          candidate && !this.isMethodAllowed(method) ? "method-not-allowed" : "not-retryable-status";
        return { decision: "return-response", why, exhausted: [] };
      }
    } else if (event.class !== "redirect") {
      const refusal = this.refusal(method, event.class);
      if (refusal) return { decision: "raise", why: refusal, exhausted: [] };
    }
    const next = this.increment(method, event);
    const exhausted = next.exhausted();
    if (exhausted.length > 0) {
      const final = event.class === "status" && !this.raiseOnStatus;
      return { decision: final ? "return-response" : "raise", why: "exhausted", exhausted };
    }
    return { decision: "retry", next, ...next.delayAfter(event, clock) };
  }

  private refusal(
    method: string,
    failure: FailureClass,
  ): "retries-disabled" | "class-disabled" | "method-not-allowed" | undefined {
    if (this.total === false) return "retries-disabled";
    if ((failure === "connect" || failure === "read") && this[failure] === false) return "class-disabled";
    if (failure === "read" && !this.isMethodAllowed(method)) return "method-not-allowed";
    return undefined;
  }

  private delayAfter(
    event: RetryEvent,
    clock: { now(): number; random(): number },
  ): { delay: number; delaySource: "none" | "backoff" | "retry-after" } {
    if (event.class === "redirect") return { delay: 0, delaySource: "none" };
    if (this.respectRetryAfter && event.class === "status" && event.retryAfter) {
      const asked = this.parseRetryAfter(event.retryAfter, clock.now());
      // 0, a date in the past, and a header that cannot be read all leave it to the backoff.
      if (asked) return { delay: asked, delaySource: "retry-after" };
    }
    const backoff = this.backoffTime(clock.random);
    return { delay: backoff, delaySource: backoff > 0 ? "backoff" : "none" };
  }
}

function spend(budget: Budget): Budget {
  if (budget === null) return null;
  // false counts as 0, so that one is overdrawn at once.
  return Number(budget) - 1;
}

function given<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value;
}

function upper(methods: readonly string[] | null): readonly string[] | null {
  return methods ? methods.map((method) => method.toUpperCase()) : null;
}

function validate(options: RetryOptions): void {
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
