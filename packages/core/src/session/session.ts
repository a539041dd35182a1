import { type MonotonicClock, systemClock, withMonotonic } from "../clock.js";
import { RetryBudget } from "../retry/budget.js";
import { type RetrySetting, resolveRetry } from "../retry/defaults.js";
import type { RetryPolicy } from "../retry/policy.js";
import { Call, type CallPort } from "./call.js";
import type { ConfiguredFetch } from "./fetch-with.js";
import { checkSessionOptions, type SessionOptions } from "./options.js";
import { RateLimiter } from "./rate-limit.js";
import type { SessionRequest, SessionResponse } from "./request.js";
import { type RuntimeFetchOptions, runtimeFetchOptions, withoutCache } from "./runtime.js";

/**
 * Makes HTTP requests over ofetch, and owns the only retry loop: ofetch's own is off.
 *
 * @throws ConfigurationError from the constructor for an unknown or malformed option
 * @example
 * ```ts
 * import { Session } from "@posthorn/core";
 * import { MandrillBackend } from "@posthorn/mandrill";
 *
 * class PatientMandrill extends MandrillBackend {
 *   override createSession() {
 *     return new Session({ ...this.sessionOptions(), retry: { total: 10, backoffFactor: 1 } });
 *   }
 * }
 * ```
 */
export class Session {
  readonly clock: MonotonicClock;
  readonly rateLimiter: RateLimiter;
  private opened: RuntimeFetchOptions | undefined;
  /** Without and with an idempotency key: immutable, so each call can begin with the same. */
  private readonly policies: readonly [RetryPolicy, RetryPolicy];
  private readonly port: Omit<CallPort, "init">;

  constructor(readonly options: SessionOptions = {}) {
    checkSessionOptions(options);
    this.policies = [resolveRetry(options.retry, false), resolveRetry(options.retry, true)];
    this.clock = withMonotonic(options.clock ?? systemClock);
    this.rateLimiter = new RateLimiter(options.rateLimit, this.clock);
    const { clock, rateLimiter } = this;
    const budget = new RetryBudget(options.retryBudget);
    this.port = {
      clock,
      rateLimiter,
      budget,
      options,
      isPlatform: !options.fetch || "init" in options.fetch,
    };
  }

  /** The policy that a call starts with. */
  retryPolicy(idempotent = false, retry?: RetrySetting): RetryPolicy {
    return retry === undefined ? this.policies[idempotent ? 1 : 0] : resolveRetry(retry, idempotent);
  }

  /** When a call that starts now ends at the latest, by `clock.monotonic()`: one deadline for several requests. */
  deadlineAt(idempotent = false, retry?: RetrySetting): number {
    const { deadline } = this.retryPolicy(idempotent, retry);
    return deadline === null ? Infinity : this.clock.monotonic() + deadline * 1000;
  }

  /**
   * Sends a request until it is answered or the policy says to stop.
   *
   * @returns the last response, of any status
   * @throws TransportError when the last attempt got no response, or the caller aborted
   */
  async request(request: SessionRequest): Promise<SessionResponse> {
    const port: CallPort = { ...this.port, init: this.runtime.init };
    const call = new Call(
      request,
      this.retryPolicy(request.idempotent, request.retry),
      request.deadlineAt ?? this.deadlineAt(request.idempotent, request.retry),
      port,
    );
    const { breaker } = this.options;
    if (breaker?.admit() === false) throw call.circuitOpen(breaker.opensIn);
    try {
      const response = await call.run();
      breaker?.record(response);
      return response;
    } catch (error) {
      breaker?.record(error);
      throw error;
    }
  }

  /** Closes connections held by the session. */
  close(): void {
    this.opened?.close();
    this.opened = undefined;
  }

  /** Made at the first request, so that a session made to check its options opens nothing. */
  private get runtime(): RuntimeFetchOptions {
    if (this.opened) return this.opened;
    const { isPlatform, options } = this.port;
    const { init, close } = isPlatform
      ? runtimeFetchOptions((options.fetch as ConfiguredFetch | undefined)?.init)
      : { init: {}, close: () => {} };
    this.opened = { init: { ...withoutCache(), ...init }, close };
    return this.opened;
  }
}
