import { type Clock, type MonotonicClock, systemClock, withMonotonic } from "../clock.js";
import { ConfigurationError } from "../errors.js";

/** When a provider counts as sick, and for how long. */
export interface BreakerOptions {
  /** Failures in a row that open the circuit. @default 3 */
  readonly failures?: number | undefined;
  /** The share of failures within `window`, above 0 and up to 1, that opens the circuit too. @default 0.5 */
  readonly failureRate?: number | undefined;
  /** How many outcomes there must be for a share to count. @default 20 */
  readonly minimum?: number | undefined;
  /** Milliseconds over which the share is taken. @default 60_000 */
  readonly window?: number | undefined;
  /** Milliseconds until an open circuit tries the provider again. @default 30_000 */
  readonly resetAfter?: number | undefined;
  /**
   * Tries a sick provider, such as by a request to its status: it closes the circuit unless it throws or gives `false`. Sends go
   * elsewhere, or fail, meanwhile.
   *
   * @default one of the sends is the trial
   */
  readonly probe?: (() => unknown) | undefined;
}

/** What a breaker reads of an error or a response, of this copy of the package or another. */
interface Outcome {
  readonly name?: unknown;
  readonly status?: unknown;
  readonly phase?: unknown;
  readonly code?: unknown;
  readonly isProviderSick?: unknown;
}

/** Failures that tell nothing of the provider's health. */
const OWN_CODES: readonly unknown[] = ["ABORTED", "RATE_LIMITED", "CIRCUIT_OPEN"];

/**
 * Remembers that a provider is sick. Closed: sends go through. Open: they do not, but for one trial at a time.
 *
 * Timeouts, failures to connect, 408, 429 and 5xx count as failures. 401 and 403 count as nothing: they concern one account, which may
 * not be the only one.
 *
 * @throws ConfigurationError from the constructor for malformed options
 * @example
 * ```ts
 * import { CircuitBreaker } from "@posthorn/core";
 * import { resend } from "@posthorn/resend";
 *
 * const mail = resend({ apiKey, breaker: new CircuitBreaker({ failures: 5, resetAfter: 60_000 }) });
 * ```
 */
export class CircuitBreaker {
  private readonly failures: number;
  private readonly failureRate: number;
  private readonly minimum: number;
  private readonly window: number;
  private readonly resetAfter: number;
  private readonly clock: MonotonicClock;
  private inRow = 0;
  private opened = false;
  private openUntil = 0;
  /** Of this half of the window and the one before. */
  private counts = { start: 0, all: 0, failed: 0, allBefore: 0, failedBefore: 0 };

  constructor(
    private readonly options: BreakerOptions = {},
    clock: Clock = systemClock,
  ) {
    const {
      failures = 3,
      failureRate = 0.5,
      minimum = 20,
      window = 60_000,
      resetAfter = 30_000,
      probe,
    } = options;
    const whole = [failures, minimum].every((value) => Number.isInteger(value) && value > 0);
    if (
      !whole ||
      !(failureRate > 0 && failureRate <= 1 && window > 0 && resetAfter > 0) ||
      (probe !== undefined && typeof probe !== "function")
    ) {
      throw new ConfigurationError(
        'Option "breaker" must have { failures, minimum: whole numbers above 0, failureRate: above 0 and up to 1, window, resetAfter: milliseconds above 0, probe: a function }',
      );
    }
    this.failures = failures;
    this.failureRate = failureRate;
    this.minimum = minimum;
    this.window = window;
    this.resetAfter = resetAfter;
    this.clock = withMonotonic(clock);
  }

  /** Whether sends are refused now. */
  get isOpen(): boolean {
    return this.opened && this.opensIn > 0;
  }

  /** Milliseconds until the provider is tried again. */
  get opensIn(): number {
    return Math.max(0, this.openUntil - this.clock.monotonic());
  }

  /** Says whether a send may go through now; on an open circuit whose time is up, the first to ask becomes its trial. */
  admit(): boolean {
    if (!this.opened) return true;
    if (this.isOpen) return false;
    this.rest();
    const { probe } = this.options;
    if (!probe) return true;
    void Promise.resolve()
      .then(probe)
      .then(
        (well) => this.count(well === false),
        () => this.count(true),
      );
    return false;
  }

  /** Takes note of a response's status, or of an error. */
  record(outcome: unknown): void {
    const { name, status, phase, code, isProviderSick } = (outcome ?? {}) as Outcome;
    // A deadline that passed before anything was sent.
    const isOurs = OWN_CODES.includes(code) || (code === "DEADLINE" && phase === "other");
    if (isOurs) return;
    if (typeof isProviderSick === "boolean") this.count(isProviderSick);
    else if (typeof status === "number") {
      if (status !== 401 && status !== 403) this.count(status >= 500 || status === 408 || status === 429);
    } else if (phase !== undefined || name === "PoolError") this.count(true);
    // A provider that refuses recipients works.
    else if (name === "RecipientsRefusedError") this.count(false);
  }

  private count(failed: boolean): void {
    this.inRow = failed ? this.inRow + 1 : 0;
    if (this.opened) {
      this.opened = failed;
      this.counts = { start: this.clock.monotonic(), all: 0, failed: 0, allBefore: 0, failedBefore: 0 };
      if (failed) this.rest();
      return;
    }
    const share = this.share(failed);
    if (this.inRow < this.failures && !(failed && share >= this.failureRate)) return;
    this.opened = true;
    this.rest();
  }

  /** The share of failures of late, 0 when there are too few outcomes. */
  private share(failed: boolean): number {
    const { counts, window } = this;
    const now = this.clock.monotonic();
    if (now - counts.start >= window / 2) {
      const isNext = now - counts.start < window;
      this.counts = {
        start: now,
        all: 0,
        failed: 0,
        allBefore: isNext ? counts.all : 0,
        failedBefore: isNext ? counts.failed : 0,
      };
    }
    this.counts.all += 1;
    if (failed) this.counts.failed += 1;
    const all = this.counts.all + this.counts.allBefore;
    return all < this.minimum ? 0 : (this.counts.failed + this.counts.failedBefore) / all;
  }

  private rest(): void {
    this.openUntil = this.clock.monotonic() + this.resetAfter;
  }
}
