import type { Clock } from "../clock.js";
import { ConfigurationError } from "../errors.js";

/** When a provider counts as sick, and for how long. */
export interface BreakerOptions {
  /** Failures in a row that open the circuit. Default 3. */
  readonly failures?: number | undefined;
  /** Milliseconds until an open circuit lets one send through as a trial. Default 30,000. */
  readonly resetAfter?: number | undefined;
}

/** Remembers that a provider is sick. Closed: sends go through. Open: they go elsewhere, but for one trial at a time. */
export class CircuitBreaker {
  private readonly limit: number;
  private readonly resetAfter: number;
  private failures = 0;
  private openUntil = 0;

  /** @throws ConfigurationError for options of the wrong form */
  constructor(
    options: BreakerOptions | undefined,
    private readonly clock: Clock,
  ) {
    this.limit = options?.failures ?? 3;
    this.resetAfter = options?.resetAfter ?? 30_000;
    if (!(Number.isInteger(this.limit) && this.limit > 0 && this.resetAfter > 0)) {
      throw new ConfigurationError(
        'Option "breaker" is { failures: above 0, resetAfter: milliseconds above 0 }',
      );
    }
  }

  get isOpen(): boolean {
    return this.failures >= this.limit && this.clock.now() < this.openUntil;
  }

  /** Says whether a send may go through now; on an open circuit whose time is up, the first to ask becomes its trial. */
  admit(): boolean {
    if (this.failures < this.limit) return true;
    if (this.clock.now() < this.openUntil) return false;
    this.openUntil = this.clock.now() + this.resetAfter;
    return true;
  }

  succeeded(): void {
    this.failures = 0;
  }

  failed(): void {
    this.failures += 1;
    if (this.failures >= this.limit) this.openUntil = this.clock.now() + this.resetAfter;
  }
}
