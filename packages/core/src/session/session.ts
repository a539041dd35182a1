import { type $Fetch, createFetch } from "ofetch";
import { ConfigurationError, type Delivery, hookError, TransportError } from "../errors.js";
import { Pieces } from "../message/pieces.js";
import { type RetrySetting, resolveRetry } from "../retry/defaults.js";
import { RETRY_AFTER_STATUSES, type RetryEvent, type RetryPolicy } from "../retry/policy.js";
import type { AttemptRecord, StopReason } from "./attempt.js";
import { classifyFailure, type Failure } from "./classify.js";
import { type Clock, sleep, systemClock } from "./clock.js";
import type { FetchHooks } from "./hooks.js";
import { type RateLimit, RateLimiter } from "./rate-limit.js";
import { Redactor } from "./redact.js";
import { type RuntimeFetchOptions, runtimeFetchOptions } from "./runtime.js";

/** A `fetch` of the caller's own. */
export type FetchLike = (input: string, init?: RequestInit) => Promise<Response>;

/** Called before each retry's sleep. What it throws ends the retries, as the `cause` of a {@link PosthornError}. */
export type OnRetry = (info: {
  /** The attempt that failed, with the delay before the next. */
  readonly attempt: AttemptRecord;
  readonly provider: string | undefined;
}) => void;

/** Options of a {@link Session}. */
export interface SessionOptions {
  /** What to retry; the default retries only what is proven unsent, or all once a request has an idempotency key. */
  readonly retry?: RetrySetting | undefined;
  /** Milliseconds for one attempt: connecting, waiting and reading the body. Default 30,000. */
  readonly timeout?: number | undefined;
  /** The `fetch` to use instead of the platform's. */
  readonly fetch?: FetchLike | undefined;
  /** Headers sent with every request, unless it has its own of that name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** ofetch's interceptors: `onRequest`, `onRequestError`, `onResponse`. */
  readonly hooks?: FetchHooks | undefined;
  /** At most so many requests in so much time, over all concurrent sends. */
  readonly rateLimit?: RateLimit | undefined;
  readonly onRetry?: OnRetry | undefined;
  /** Time and chance for tests. */
  readonly clock?: Clock | undefined;
}

/** One request, to be made as often as the policy allows. */
export interface SessionRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Blob | FormData | URLSearchParams | Uint8Array<ArrayBuffer> | Pieces | undefined;
  /** Whether the provider drops a second copy of it, since it carries an idempotency key. */
  readonly idempotent?: boolean | undefined;
  /** Milliseconds that the provider keeps the key. Once it may be gone, what may have been taken is not tried again. */
  readonly idempotencyWindow?: number | undefined;
  /** Whether the same message, sent again hours later, makes no second copy: by a key of the caller's own. */
  readonly repeatable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for one attempt, instead of the session's. */
  readonly timeout?: number | undefined;
  /** Gives the headers of each attempt anew: for signatures that hold a date. */
  readonly sign?: ((now: number) => Promise<Readonly<Record<string, string>>>) | undefined;
  /** Whether the body of an answer other than 2xx says that trying again is in vain, whatever its status. */
  readonly isFinal?: ((text: string) => boolean) | undefined;
  /** Display name, for errors. */
  readonly provider?: string | undefined;
  readonly redactor?: Redactor | undefined;
}

/** The last answer, whatever its status. */
export interface SessionResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Why the body could not be read to its end. */
  readonly bodyError: unknown;
  readonly attempts: readonly AttemptRecord[];
  /** What is known of the mail after all attempts. */
  readonly delivery: Delivery;
  /** Whether an attempt before the last may have been taken. */
  readonly uncertain: boolean;
  /** When the provider said to come back. */
  readonly retryAt: Date | undefined;
}

const DEFAULT_TIMEOUT = 30_000;
const NO_SECRETS = new Redactor([]);

type Answer = Pick<SessionResponse, "status" | "headers" | "text" | "bodyError">;
type Cut = "TIMEOUT" | "DEADLINE" | "ABORTED";
type Outcome =
  | { readonly answer: Answer }
  | { readonly failure: Failure; readonly error: unknown; readonly cut: Cut | undefined };

/**
 * Makes HTTP requests over one ofetch instance, and owns the only retry loop: ofetch's own is off.
 *
 * @throws ConfigurationError from the constructor for an option of the wrong form
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
   * @returns the last answer, of any status
   * @throws TransportError when the last attempt got no answer, or the caller aborted
   */
  async request(request: SessionRequest): Promise<SessionResponse> {
    const call = new Call(request, this.retryPolicy(request.idempotent), this);
    return call.run();
  }

  /** One attempt. `limit` is how many milliseconds it may take. */
  async attempt(request: SessionRequest, limit: number, byDeadline: boolean): Promise<Outcome> {
    const controller = new AbortController();
    const { signal } = controller;
    let cut: Cut | undefined;
    let giveUp: (reason: unknown) => void = () => {};
    // Not every fetch a caller gives obeys the signal at once, so the wait ends by itself too.
    const ended = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const end = (why: Cut, reason: unknown): void => {
      cut ??= why;
      controller.abort(reason);
      giveUp(signal.reason);
    };
    const onAbort = (): void => end("ABORTED", request.signal?.reason);
    request.signal?.addEventListener("abort", onAbort, { once: true });
    const cancelTimer = this.clock.setTimer(() => {
      const what = byDeadline ? "the deadline has passed" : `no answer within ${limit} ms`;
      end(byDeadline ? "DEADLINE" : "TIMEOUT", new DOMException(what, "TimeoutError"));
    }, limit);
    let response: Response | undefined;
    let isSigned = false;
    const exchange = async (): Promise<Answer> => {
      const signed = request.sign ? await request.sign(this.clock.now()) : request.headers;
      signal.throwIfAborted();
      isSigned = true;
      const headers = this.options.headers ? { ...this.options.headers, ...signed } : signed;
      const answered: Response = await this.ofetch.raw(request.url, {
        ...this.options.hooks,
        ...this.runtime.init,
        ...fetchInit(request.body, headers, this.options.fetch === undefined),
        method: request.method,
        signal,
        redirect: "manual",
        retry: false,
        ignoreResponseError: true,
        responseType: "stream",
      });
      response = answered;
      return answerOf(answered, await answered.text(), undefined);
    };
    try {
      return { answer: await Promise.race([exchange(), ended]) };
    } catch (error) {
      // Once an answer has begun, it is the answer, however its body ends.
      if (response) {
        return { answer: answerOf(response, "", error ?? new Error("the body could not be read")) };
      }
      const failure = classifyFailure(error);
      // Without a signature nothing was sent: whoever gives the credentials did not answer.
      const phase = isSigned ? failure.phase : "connect";
      return { failure: { ...failure, phase, code: cut ?? failure.code }, error, cut };
    } finally {
      cancelTimer();
      request.signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Lets go of what the runtime keeps open. */
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

function fetchInit(
  body: SessionRequest["body"],
  headers: Readonly<Record<string, string>>,
  own: boolean,
): RequestInit {
  return body instanceof Pieces ? body.fetchInit(headers, own) : { headers, body: body ?? null };
}

function answerOf(response: Response, text: string, bodyError: unknown): Answer {
  return { status: response.status, headers: Object.fromEntries(response.headers), text, bodyError };
}

/** The state of one `request` call. */
class Call {
  private readonly attempts: AttemptRecord[] = [];
  private readonly startedAt: number;
  private deadlineAt: number;
  /** Whether an attempt before the last may have delivered the mail. */
  private uncertain = false;

  constructor(
    private readonly request: SessionRequest,
    private policy: RetryPolicy,
    private readonly session: Session,
  ) {
    this.startedAt = session.clock.now();
    this.deadlineAt = policy.deadline === null ? Infinity : this.startedAt + policy.deadline * 1000;
  }

  async run(): Promise<SessionResponse> {
    let url = this.request.url;
    for (;;) {
      if (this.request.signal?.aborted) throw this.abortError();
      const wait = this.session.rateLimiter.reserve(this.deadlineAt);
      if (wait !== 0) await this.waitForTurn(wait);
      const startedAt = this.session.clock.now();
      const timeout = this.request.timeout ?? this.session.options.timeout ?? DEFAULT_TIMEOUT;
      const left = this.deadlineAt - startedAt;
      const outcome = await this.session.attempt(
        url === this.request.url ? this.request : { ...this.request, url },
        Math.min(timeout, left),
        left < timeout,
      );
      const record = {
        number: this.attempts.length + 1,
        startedAt,
        duration: this.session.clock.now() - startedAt,
      };
      if ("failure" in outcome) {
        await this.afterFailure(outcome, record);
        continue;
      }
      const { answer } = outcome;
      this.session.rateLimiter.learn(answer.status, answer.headers);
      if (answer.status >= 200 && answer.status < 300) return this.success(answer, record);
      const next = await this.afterAnswer(answer, record, url);
      if (typeof next !== "string") return next;
      url = next;
    }
  }

  /** Sleeps before the next attempt, or throws. */
  private async afterFailure(
    outcome: Extract<Outcome, { failure: Failure }>,
    record: AttemptRecord,
  ): Promise<void> {
    const { failure, error, cut } = outcome;
    const failed: AttemptRecord = { ...record, class: failure.phase, error: failure.code ?? failure.message };
    const stop = (why: StopReason): TransportError => {
      this.attempts.push({ ...failed, stopped: why });
      return this.transportError(failure, error, cut);
    };
    if (cut === "ABORTED") throw stop("aborted");
    if (cut === "DEADLINE") throw stop("deadline");
    const decision = this.policy.decide(
      this.request.method,
      { class: failure.phase, url: this.request.url },
      this.session.clock,
    );
    if (decision.decision !== "retry") throw stop(decision.why);
    const mayBeTaken = failure.phase === "read";
    const deadlineAt = this.deadlineAfter(record, mayBeTaken);
    if (this.session.clock.now() + decision.delay * 1000 >= deadlineAt) throw stop("deadline");
    if (mayBeTaken) this.uncertain = true;
    this.deadlineAt = deadlineAt;
    this.policy = decision.next;
    await this.pause(failed, decision.delay, decision.delaySource);
  }

  private success(answer: Answer, record: AttemptRecord): SessionResponse {
    const stopped = answer.bodyError === undefined ? "success" : "accepted";
    const { number, startedAt, duration } = record;
    this.attempts.push({ number, startedAt, duration, status: answer.status, stopped });
    return this.response(answer, "accepted", undefined);
  }

  /** After an answer other than 2xx: the URL of the next attempt, after sleeping, or the final response. */
  private async afterAnswer(
    answer: Answer,
    record: AttemptRecord,
    url: string,
  ): Promise<string | SessionResponse> {
    const { status, headers } = answer;
    const retryAfter = headers["retry-after"];
    const location = sameOriginRedirect(status, headers["location"], url);
    const event: RetryEvent = location
      ? { class: "redirect", status, redirectLocation: location, url }
      : { class: "status", status, retryAfter, url };
    const delivery = deliveryOfStatus(status, retryAfter);
    const failed: AttemptRecord = { ...record, class: event.class, status };
    const retryAt = this.retryAt(status, retryAfter);
    const stop = (why: StopReason): SessionResponse => {
      this.attempts.push({ ...failed, stopped: why });
      return this.response(answer, delivery, retryAt);
    };
    const decision = this.policy.decide(this.request.method, event, this.session.clock);
    if (decision.decision !== "retry") return stop(decision.why);
    if (!location && this.request.isFinal?.(answer.text)) return stop("refused");
    // A provider that asks for more time than there is gets no early visit.
    const wakeAt = Math.max(this.session.clock.now() + decision.delay * 1000, retryAt?.getTime() ?? 0);
    const deadlineAt = this.deadlineAfter(record, delivery === "unknown");
    if (wakeAt >= deadlineAt) return stop("deadline");
    if (this.request.signal?.aborted) return stop("aborted");
    if (delivery === "unknown") this.uncertain = true;
    this.deadlineAt = deadlineAt;
    this.policy = decision.next;
    await this.pause(failed, decision.delay, decision.delaySource);
    return location ?? url;
  }

  /** An attempt that may have been taken can be followed by others only as long as the provider has its key. */
  private deadlineAfter({ startedAt }: AttemptRecord, mayBeTaken: boolean): number {
    const { idempotent, idempotencyWindow = Infinity } = this.request;
    return mayBeTaken && idempotent
      ? Math.min(this.deadlineAt, startedAt + idempotencyWindow)
      : this.deadlineAt;
  }

  /** @param wait milliseconds; `undefined` when the deadline comes first */
  private async waitForTurn(wait: number | undefined): Promise<void> {
    if (wait === undefined) {
      const at = this.session.rateLimiter.availableAt();
      const failure: Failure = {
        phase: "other",
        code: "RATE_LIMITED",
        message: `the rate limit lasts until ${at.toISOString()}`,
      };
      throw this.transportError(failure, undefined, undefined, at);
    }
    try {
      await sleep(this.session.clock, wait, this.request.signal);
    } catch {
      throw this.abortError();
    }
  }

  private async pause(
    failed: AttemptRecord,
    delay: number,
    delaySource: "none" | "backoff" | "retry-after",
  ): Promise<void> {
    const attempt: AttemptRecord = { ...failed, delay, delaySource };
    this.attempts.push(attempt);
    const { provider } = this.request;
    try {
      this.session.options.onRetry?.({ attempt, provider });
    } catch (cause) {
      const { attempts } = this;
      throw hookError(provider, "onRetry", cause, { attempts, delivery: this.overall("not-sent") });
    }
    if (delay <= 0) return;
    try {
      await sleep(this.session.clock, delay * 1000, this.request.signal);
    } catch {
      throw this.abortError();
    }
  }

  private retryAt(status: number, retryAfter: string | undefined): Date | undefined {
    if (!retryAfter || !RETRY_AFTER_STATUSES.has(status)) return undefined;
    const now = this.session.clock.now();
    const seconds = this.policy.parseRetryAfter(retryAfter, now);
    return seconds ? new Date(now + seconds * 1000) : undefined;
  }

  private response(answer: Answer, delivery: Delivery, retryAt: Date | undefined): SessionResponse {
    const { status, headers, text, bodyError } = answer;
    const { attempts, uncertain } = this;
    const known = this.overall(delivery);
    return { status, headers, text, bodyError, attempts, delivery: known, uncertain, retryAt };
  }

  /** A `not-sent` now says nothing of an earlier attempt that may have arrived. */
  private overall(delivery: Delivery): Delivery {
    return delivery === "not-sent" && this.uncertain ? "unknown" : delivery;
  }

  private abortError(): TransportError {
    const failure: Failure = { phase: "other", code: "ABORTED", message: "the caller aborted it" };
    return this.transportError(failure, this.request.signal?.reason, "ABORTED");
  }

  private transportError(
    failure: Failure,
    error: unknown,
    cut: Cut | undefined,
    retryAt?: Date,
  ): TransportError {
    const redactor = this.request.redactor ?? NO_SECRETS;
    const delivery = this.overall(failure.phase === "read" ? "unknown" : "not-sent");
    const transient = cut !== "ABORTED" && (failure.phase !== "other" || failure.code === "RATE_LIMITED");
    const tries = this.attempts.length > 1 ? ` (${this.attempts.length} attempts)` : "";
    const message = `${this.request.provider ?? "The server"} gave no answer${tries}: ${redactor.text(failure.message)}`;
    return new TransportError(message, {
      provider: this.request.provider,
      phase: failure.phase,
      code: failure.code,
      request: redactor.request(this.request),
      delivery,
      retryable: transient && (delivery === "not-sent" || this.request.repeatable === true),
      attempts: this.attempts,
      retryAt,
      cause: cut === "ABORTED" ? error : redactor.error(error),
    });
  }
}

/** What an answer's status proves. 4xx and 3xx refuse; of 5xx only a 503 that says when to come back does. */
function deliveryOfStatus(status: number, retryAfter: string | undefined): Delivery {
  if (status >= 200 && status < 300) return "accepted";
  if (status >= 300 && status < 500) return "not-sent";
  return status === 503 && retryAfter ? "not-sent" : "unknown";
}

/** Where a redirect leads, if it may be followed: it keeps the method and body (307, 308) and goes to the same origin. */
function sameOriginRedirect(status: number, location: string | undefined, url: string): string | undefined {
  if ((status !== 307 && status !== 308) || !location || !URL.canParse(location, url)) return undefined;
  const target = new URL(location, url);
  return target.origin === new URL(url).origin ? target.href : undefined;
}

function checkTimeout(timeout: number | undefined): void {
  if (timeout === undefined || (typeof timeout === "number" && timeout >= 1)) return;
  throw new ConfigurationError('Option "timeout" is a number of milliseconds, 1 or more');
}
