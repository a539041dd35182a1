import { type $Fetch, createFetch } from "ofetch";
import { type Clock, systemClock } from "../clock.js";
import { resolveRetry } from "../retry/defaults.js";
import type { RetryPolicy } from "../retry/policy.js";
import { Call } from "./call.js";
import { checkTimeout, type SessionOptions } from "./options.js";
import { RateLimiter } from "./rate-limit.js";
import type { SessionRequest, SessionResponse } from "./request.js";
import { type RuntimeFetchOptions, runtimeFetchOptions } from "./runtime.js";

/**
 * Makes HTTP requests over one ofetch instance, and owns the only retry loop: ofetch's own is off.
 *
 * @throws ConfigurationError from the constructor for a malformed option
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
  readonly clock: Clock;
  readonly rateLimiter: RateLimiter;
  private readonly ofetch: $Fetch;
  private opened: RuntimeFetchOptions | undefined;
  /** Without and with an idempotency key: immutable, so each call can begin with the same. */
  private readonly policies: readonly [RetryPolicy, RetryPolicy];

  constructor(readonly options: SessionOptions = {}) {
    checkTimeout(options.timeout);
    this.policies = [resolveRetry(options.retry, false), resolveRetry(options.retry, true)];
    this.clock = options.clock ?? systemClock;
    this.rateLimiter = new RateLimiter(options.rateLimit, this.clock);
    // The platform's fetch is looked up at each call, so that instrumentation installed later is seen.
    const fetch = options.fetch ?? ((input: string, init?: RequestInit) => globalThis.fetch(input, init));
    this.ofetch = createFetch({ fetch: fetch as typeof globalThis.fetch });
  }

  /** The policy that a call starts with. */
  retryPolicy(idempotent = false): RetryPolicy {
    return this.policies[idempotent ? 1 : 0];
  }

  /**
   * Sends a request until it is answered or the policy says to stop.
   *
   * @returns the last response, of any status
   * @throws TransportError when the last attempt got no response, or the caller aborted
   */
  async request(request: SessionRequest): Promise<SessionResponse> {
    return new Call(request, this.retryPolicy(request.idempotent), {
      clock: this.clock,
      rateLimiter: this.rateLimiter,
      options: this.options,
      raw: this.ofetch.raw,
      init: this.runtime.init,
    }).run();
  }

  /** Closes connections held by the session. */
  close(): void {
    this.opened?.close();
    this.opened = undefined;
  }

  /** Made at the first request, so that a session made to check its options opens nothing. */
  private get runtime(): RuntimeFetchOptions {
    this.opened ??= this.options.fetch ? { init: {}, close: () => {} } : runtimeFetchOptions();
    return this.opened;
  }
}
