import { dateIn, type MonotonicClock } from "../clock.js";
import { ConfigurationError } from "../errors.js";
import { parseRetryAfter } from "../retry/retry-after.js";

/** At most `requests` requests in each span of time. */
export interface RateLimit {
  /** How many requests; as many may go at once after a quiet span, then one each `per / requests`. */
  readonly requests: number;
  /** The span: its name, or milliseconds. */
  readonly per: "second" | "minute" | "hour" | number;
}

const SPANS = { second: 1000, minute: 60_000, hour: 3_600_000 } as const;

/** Pairs of headers that say how many requests are left and when there will be more. */
const LIMIT_HEADERS = [
  // draft-ietf-httpapi-ratelimit-headers, as Resend sends them: seconds from now.
  ["ratelimit-remaining", "ratelimit-reset"],
  // SendGrid (seconds since the epoch), MailerSend.
  ["x-ratelimit-remaining", "x-ratelimit-reset"],
  // Brevo: seconds from now. https://developers.brevo.com/docs/api-limits
  ["x-sib-ratelimit-remaining", "x-sib-ratelimit-reset"],
] as const;

/** Milliseconds: the longest that a response may hold all requests back. The next one then tells again. */
const LONGEST_HOLD = 3_600_000;

/**
 * A token bucket that all sends of a session share. Once a limit is configured it also learns: a 429 or 503 with
 * Retry-After, or headers that say that nothing is left, hold back every later request until then, for an hour at most.
 */
export class RateLimiter {
  private readonly capacity: number;
  /** Milliseconds in which one token comes back. */
  private readonly interval: number;
  /** Tokens at `countedAt`; below zero when requests are waiting. */
  private tokens: number;
  /** In the future while requests are held back: they go as the bucket lets them from then on, not all at once. */
  private countedAt: number;

  /** @throws ConfigurationError for a malformed limit */
  constructor(
    private readonly limit: RateLimit | undefined,
    private readonly clock: MonotonicClock,
  ) {
    const span = limit === undefined ? 1 : typeof limit.per === "number" ? limit.per : SPANS[limit.per];
    if (limit && !(Number.isInteger(limit.requests) && limit.requests > 0 && span > 0 && span < Infinity)) {
      throw new ConfigurationError(
        'Option "rateLimit" must be { requests: a whole number above 0, per: "second", "minute", "hour" or milliseconds }',
      );
    }
    this.capacity = limit?.requests ?? Infinity;
    this.interval = span / this.capacity;
    this.tokens = this.capacity;
    this.countedAt = clock.monotonic();
  }

  /**
   * Takes a token.
   *
   * @param deadline milliseconds of the clock's monotonic time
   * @returns milliseconds to wait before sending; `undefined`, and nothing is taken, if that would pass the deadline
   */
  reserve(deadline: number): number | undefined {
    if (!this.limit) return 0;
    const wait = this.wait();
    if (this.clock.monotonic() + wait >= deadline) return undefined;
    this.tokens -= 1;
    return wait;
  }

  /** Gives back a token whose request is not made. */
  release(): void {
    this.tokens = Math.min(this.capacity, this.tokens + 1);
  }

  /** When the next request could go. */
  availableAt(): Date {
    return dateIn(this.clock, this.wait());
  }

  /** Takes note of what a response says of the provider's own limit. */
  learn(status: number, headers: Readonly<Record<string, string>>): void {
    if (!this.limit) return;
    const now = this.clock.now();
    const retryAfter = headers["retry-after"];
    // What the bucket thought was left is not.
    if (status === 429) this.tokens = Math.min(this.tokens, 0);
    if (retryAfter && (status === 429 || status === 503))
      this.hold((parseRetryAfter(retryAfter, now) ?? 0) * 1000);
    for (const [remaining, reset] of LIMIT_HEADERS) {
      if (Number(headers[remaining] || 1) <= 0) this.hold(resetIn(headers[reset], now));
    }
  }

  /** Milliseconds until the next token is there. */
  private wait(): number {
    const now = this.clock.monotonic();
    this.refill(now);
    return Math.ceil(this.countedAt - now + Math.max(0, (1 - this.tokens) * this.interval));
  }

  private hold(ms: number): void {
    if (ms > 0) this.refill(this.clock.monotonic() + Math.min(ms, LONGEST_HOLD));
  }

  /** Counts tokens as of a time, unless they are counted as of a later one already. */
  private refill(at: number): void {
    if (at <= this.countedAt) return;
    this.tokens = Math.min(this.capacity, this.tokens + (at - this.countedAt) / this.interval);
    this.countedAt = at;
  }
}

/** Milliseconds until a reset, which its size tells to be seconds from now, or seconds or milliseconds since the epoch. */
function resetIn(reset: string | undefined, now: number): number {
  const value = Number(reset ?? 0);
  return value > 1e11 ? value - now : value > 1e9 ? value * 1000 - now : value * 1000;
}
