import type { $Fetch } from "ofetch";
import type { AttemptRecord, StopReason } from "../attempt.js";
import { isByteChunks } from "../bytes/chunks.js";
import { type Clock, sleep } from "../clock.js";
import { type Delivery, hookError, TransportError } from "../errors.js";
import { RETRY_AFTER_STATUSES, type RetryEvent, type RetryPolicy } from "../retry/policy.js";
import { classifyFailure, type Failure } from "./classify.js";
import type { SessionOptions } from "./options.js";
import type { RateLimiter } from "./rate-limit.js";
import { Redactor } from "./redact.js";
import type { SessionRequest, SessionResponse } from "./request.js";

/** Milliseconds for one attempt, where neither the session nor the send says otherwise. */
const DEFAULT_TIMEOUT = 30_000;
const NO_SECRETS = new Redactor([]);

/** What a call uses of its session. */
export interface CallPort {
  readonly clock: Clock;
  readonly rateLimiter: RateLimiter;
  readonly options: SessionOptions;
  /** The session's ofetch instance. */
  readonly raw: $Fetch["raw"];
  /** What the runtime's own `fetch` needs. */
  readonly init: Readonly<Record<string, unknown>>;
}

type Received = Pick<SessionResponse, "status" | "headers" | "text" | "bodyError">;
/** Who ended an attempt before its response. */
type Cut = "TIMEOUT" | "DEADLINE" | "ABORTED";
type Failed = { readonly failure: Failure; readonly error: unknown; readonly cut: Cut | undefined };
type Outcome = { readonly received: Received } | Failed;

/** What an attempt that did not succeed means for the next one. */
interface Setback {
  readonly event: RetryEvent;
  readonly record: AttemptRecord;
  /** Whether the provider may have accepted the message. */
  readonly mayBeTaken: boolean;
  readonly retryAt: Date | undefined;
  /** A reason to stop that comes before the policy's. */
  readonly stopped: StopReason | undefined;
  /** Whether the response says that trying again is in vain. */
  readonly isPermanent: () => boolean;
}

/** The state of one `request` call of a session: the retry loop. */
export class Call {
  private readonly attempts: AttemptRecord[] = [];
  private deadlineAt: number;
  /** Whether an attempt before the last may have delivered the message. */
  private uncertain = false;

  constructor(
    private readonly request: SessionRequest,
    private policy: RetryPolicy,
    private readonly session: CallPort,
  ) {
    this.deadlineAt = policy.deadline === null ? Infinity : session.clock.now() + policy.deadline * 1000;
  }

  async run(): Promise<SessionResponse> {
    const { clock, rateLimiter, options } = this.session;
    let { url } = this.request;
    for (;;) {
      if (this.request.signal?.aborted) throw this.abortError();
      const wait = rateLimiter.reserve(this.deadlineAt);
      if (wait !== 0) await this.waitForTurn(wait);
      const startedAt = clock.now();
      const timeout = this.request.timeout ?? options.timeout ?? DEFAULT_TIMEOUT;
      const left = this.deadlineAt - startedAt;
      const request = url === this.request.url ? this.request : { ...this.request, url };
      const outcome = await attempt(this.session, request, Math.min(timeout, left), left < timeout);
      const number = this.attempts.length + 1;
      const record: AttemptRecord = { number, startedAt, duration: clock.now() - startedAt };
      if ("failure" in outcome) {
        const setback = afterFailure(outcome, record, url);
        const stopped = await this.stopOrPause(setback);
        if (!stopped) continue;
        this.attempts.push({ ...setback.record, stopped });
        throw this.transportError(outcome.failure, outcome.error, outcome.cut);
      }
      const { received } = outcome;
      const { status, headers } = received;
      rateLimiter.learn(status, headers);
      if (status >= 200 && status < 300) {
        const stopped = received.bodyError === undefined ? "success" : "accepted";
        this.attempts.push({ ...record, status, stopped });
        return this.response(received, "accepted", undefined);
      }
      const setback = this.afterResponse(received, record, url);
      const stopped = await this.stopOrPause(setback);
      if (stopped) {
        this.attempts.push({ ...setback.record, stopped });
        return this.response(received, deliveryOfStatus(status, headers["retry-after"]), setback.retryAt);
      }
      url = setback.event.redirectLocation ?? url;
    }
  }

  private afterResponse({ status, headers, text }: Received, record: AttemptRecord, url: string): Setback {
    const retryAfter = headers["retry-after"];
    const location = sameOriginRedirect(status, headers["location"], url);
    const event: RetryEvent = location
      ? { class: "redirect", status, redirectLocation: location, url }
      : { class: "status", status, retryAfter, url };
    return {
      event,
      record: { ...record, class: event.class, status },
      mayBeTaken: deliveryOfStatus(status, retryAfter) === "unknown",
      retryAt: this.retryAt(status, retryAfter),
      stopped: undefined,
      isPermanent: () => !location && this.request.isPermanent?.(text) === true,
    };
  }

  /** Waits until the next attempt may be made, or gives the reason for which there is none. */
  private async stopOrPause(setback: Setback): Promise<StopReason | undefined> {
    const { event, record, mayBeTaken, retryAt, stopped, isPermanent } = setback;
    const { clock } = this.session;
    if (stopped) return stopped;
    const decision = this.policy.decide(this.request.method, event, clock);
    if (decision.decision !== "retry") return decision.why;
    if (isPermanent()) return "refused";
    // A provider that asks for more time than there is gets no early visit.
    const wakeAt = Math.max(clock.now() + decision.delay * 1000, retryAt?.getTime() ?? 0);
    const deadlineAt = this.deadlineAfter(record, mayBeTaken);
    if (wakeAt >= deadlineAt) return "deadline";
    if (this.request.signal?.aborted) return "aborted";
    if (mayBeTaken) this.uncertain = true;
    this.deadlineAt = deadlineAt;
    this.policy = decision.next;
    await this.pause({ ...record, delay: decision.delay, delaySource: decision.delaySource });
    return undefined;
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

  /** Sleeps for the delay of an attempt that failed. */
  private async pause(attempt: AttemptRecord): Promise<void> {
    this.attempts.push(attempt);
    const { provider } = this.request;
    try {
      this.session.options.onRetry?.({ attempt, provider });
    } catch (cause) {
      const { attempts } = this;
      throw hookError(provider, "onRetry", cause, { attempts, delivery: this.overall("not-sent") });
    }
    const { delay = 0 } = attempt;
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

  private response(received: Received, delivery: Delivery, retryAt: Date | undefined): SessionResponse {
    const { attempts, uncertain } = this;
    return { ...received, attempts, delivery: this.overall(delivery), uncertain, retryAt };
  }

  /** A `not-sent` now does not reveal what became of an earlier attempt that may have arrived. */
  private overall(delivery: Delivery): Delivery {
    return delivery === "not-sent" && this.uncertain ? "unknown" : delivery;
  }

  private abortError(): TransportError {
    const failure: Failure = { phase: "other", code: "ABORTED", message: "the caller aborted the send" };
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
    const message = `${this.request.provider ?? "The server"} gave no response${tries}: ${redactor.text(failure.message)}`;
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

/** Makes one request. `limit` is how many milliseconds it may take. */
async function attempt(
  { clock, options, raw, init }: CallPort,
  request: SessionRequest,
  limit: number,
  byDeadline: boolean,
): Promise<Outcome> {
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
  const cancelTimer = clock.setTimer(() => {
    const what = byDeadline ? "the deadline has passed" : `no response within ${limit} ms`;
    end(byDeadline ? "DEADLINE" : "TIMEOUT", new DOMException(what, "TimeoutError"));
  }, limit);
  let response: Response | undefined;
  let isSigned = false;
  const exchange = async (): Promise<Received> => {
    const signed = request.sign ? await request.sign(clock.now()) : request.headers;
    signal.throwIfAborted();
    isSigned = true;
    const headers = options.headers ? { ...options.headers, ...signed } : signed;
    response = (await raw(request.url, {
      ...options.hooks,
      ...init,
      ...fetchInit(request.body, headers, options.fetch === undefined),
      method: request.method,
      signal,
      redirect: "manual",
      retry: false,
      ignoreResponseError: true,
      responseType: "stream",
    })) as Response;
    return receivedFrom(response, await response.text(), undefined);
  };
  try {
    return { received: await Promise.race([exchange(), ended]) };
  } catch (error) {
    // Once a response has begun, it is the response, however its body ends.
    if (response) {
      return { received: receivedFrom(response, "", error ?? new Error("the body could not be read")) };
    }
    const failure = classifyFailure(error);
    // Without a signature nothing was sent: whoever gives the credentials did not respond.
    const phase = isSigned ? failure.phase : "connect";
    return { failure: { ...failure, phase, code: cut ?? failure.code }, error, cut };
  } finally {
    cancelTimer();
    request.signal?.removeEventListener("abort", onAbort);
  }
}

function fetchInit(
  body: SessionRequest["body"],
  headers: Readonly<Record<string, string>>,
  own: boolean,
): RequestInit {
  return isByteChunks(body) ? body.fetchInit(headers, own) : { headers, body: body ?? null };
}

function receivedFrom(response: Response, text: string, bodyError: unknown): Received {
  return { status: response.status, headers: Object.fromEntries(response.headers), text, bodyError };
}

function afterFailure({ failure, cut }: Failed, record: AttemptRecord, url: string): Setback {
  return {
    event: { class: failure.phase, url },
    record: { ...record, class: failure.phase, error: failure.code ?? failure.message },
    mayBeTaken: failure.phase === "read",
    retryAt: undefined,
    stopped: cut === "ABORTED" ? "aborted" : cut === "DEADLINE" ? "deadline" : undefined,
    isPermanent: () => false,
  };
}

/** What a response's status proves. 4xx and 3xx reject; of 5xx only a 503 that says when to come back does. */
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
