import type { FailureClass } from "../attempt.js";
import {
  BUDGETS,
  type Budget,
  type BudgetName,
  checkRetryOptions,
  type RetryHistoryEntry,
  type RetryOptions,
} from "./options.js";
import { parseRetryAfter } from "./retry-after.js";

/** The outcome of one attempt that a policy decides on. */
export interface RetryEvent {
  readonly class: FailureClass;
  /** For the classes `status` and `redirect`. */
  readonly status?: number | undefined;
  /** The Retry-After header of the answer, where it had one. */
  readonly retryAfter?: string | null | undefined;
  /** Whether the provider says that a later attempt may succeed: retried although its status is not listed. */
  readonly retryable?: boolean | undefined;
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
      /** `throw`: an error comes out. `return-response`: the answer is final as it stands. */
      readonly decision: "throw" | "return-response";
      readonly why:
        | "not-retryable-status"
        | "method-not-allowed"
        | "class-disabled"
        | "retries-disabled"
        | "exhausted";
      /** The budgets that ran out. */
      readonly exhausted: readonly BudgetName[];
    };

/** Statuses on which a Retry-After is obeyed without their being listed (RFC 9110, RFC 6585). */
export const RETRY_AFTER_STATUSES: ReadonlySet<number> = new Set([413, 429, 503]);

/** urllib3's default for `allowedMethods`: the methods that are idempotent by RFC 9110. */
export const IDEMPOTENT_METHODS: readonly string[] = ["DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"];

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
  readonly jitter: boolean;
  readonly respectRetryAfter: boolean;
  readonly retryAfterMax: number;
  readonly raiseOnStatus: boolean;
  readonly deadline: number | null;
  readonly history: readonly RetryHistoryEntry[];

  constructor(options: RetryOptions = {}) {
    checkRetryOptions(options);
    this.total = orDefault(options.total, 10);
    this.connect = orDefault(options.connect, null);
    this.read = orDefault(options.read, null);
    this.redirect = this.total === false ? 0 : orDefault(options.redirect, null);
    this.status = orDefault(options.status, null);
    this.other = orDefault(options.other, null);
    this.allowedMethods = upper(orDefault(options.allowedMethods, IDEMPOTENT_METHODS));
    this.statusForcelist = options.statusForcelist ?? [];
    this.backoffFactor = options.backoffFactor ?? 0;
    this.backoffMax = options.backoffMax ?? 120;
    this.backoffJitter = options.backoffJitter ?? 0;
    this.jitter = options.jitter ?? false;
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
    if (consecutive <= (this.jitter ? 0 : 1)) return 0;
    const jitter = this.backoffJitter === 0 ? 0 : random() * this.backoffJitter;
    const backoff = this.backoffFactor * 2 ** (consecutive - 1) + jitter;
    return Math.max(0, Math.min(this.backoffMax, backoff)) * (this.jitter ? random() : 1);
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
      total: decrement(this.total),
      [event.class]: decrement(this[event.class]),
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
      if (
        !(event.retryable && this.isMethodAllowed(method)) &&
        !this.isRetry(method, status, hasRetryAfter)
      ) {
        const candidate =
          this.statusForcelist.includes(status) || (hasRetryAfter && RETRY_AFTER_STATUSES.has(status));
        const why =
          candidate && !this.isMethodAllowed(method) ? "method-not-allowed" : "not-retryable-status";
        return { decision: "return-response", why, exhausted: [] };
      }
    } else if (event.class !== "redirect") {
      const refusal = this.refusal(method, event.class);
      if (refusal) return { decision: "throw", why: refusal, exhausted: [] };
    }
    const next = this.increment(method, event);
    const exhausted = next.exhausted();
    if (exhausted.length > 0) {
      const final = event.class === "status" && !this.raiseOnStatus;
      return { decision: final ? "return-response" : "throw", why: "exhausted", exhausted };
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
      if (asked) {
        const more = this.jitter ? clock.random() * Math.min(30, Math.max(1, asked / 4)) : 0;
        return { delay: asked + more, delaySource: "retry-after" };
      }
    }
    const backoff = this.backoffTime(clock.random);
    return { delay: backoff, delaySource: backoff > 0 ? "backoff" : "none" };
  }
}

function decrement(budget: Budget): Budget {
  if (budget === null) return null;
  // false counts as 0, so that one is overdrawn at once.
  return Number(budget) - 1;
}

function orDefault<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value;
}

function upper(methods: readonly string[] | null): readonly string[] | null {
  return methods ? methods.map((method) => method.toUpperCase()) : null;
}
