import { createFetch } from "ofetch";
import type { AttemptRecord, StopReason } from "../attempt.js";
import { ByteChunks, isByteChunks, SENDS_STREAMS, utf8 } from "../bytes/chunks.js";
import { dateIn, type MonotonicClock, onAbort, sleep, within } from "../clock.js";
import { type Delivery, hookError, type PosthornError, TransportError } from "../errors.js";
import type { RetryBudget } from "../retry/budget.js";
import { RETRY_AFTER_STATUSES, type RetryEvent, type RetryPolicy } from "../retry/policy.js";
import { classifyFailure, type Failure } from "./classify.js";
import type { SessionOptions } from "./options.js";
import type { RateLimiter } from "./rate-limit.js";
import { Redactor } from "./redact.js";
import { deliveryOfStatus, type SessionRequest, type SessionResponse, type Verdict } from "./request.js";

/** Milliseconds for one attempt, where neither the session nor the send says otherwise. */
const DEFAULT_TIMEOUT = 30_000;
/** Bytes of a response's body that are read, so that nothing compressed fills the memory. */
const LONGEST_BODY = 10 * 1024 ** 2;
const TOO_LATE: Failure = { phase: "connect", code: "DEADLINE", message: "the deadline has passed" };
const NO_SECRETS = new Redactor([]);

/** What a call uses of its session. */
export interface CallPort {
  readonly clock: MonotonicClock;
  readonly rateLimiter: RateLimiter;
  readonly budget: RetryBudget;
  readonly options: SessionOptions;
  /** Whether `fetch` is the platform's, with options at most. */
  readonly isPlatform: boolean;
  /** What that `fetch` needs. */
  readonly init: Readonly<Record<string, unknown>>;
}

type Received = Pick<SessionResponse, "status" | "headers" | "text" | "bodyError">;
/** Who ended an attempt before its response. */
type Cut = "TIMEOUT" | "DEADLINE" | "ABORTED";
type Failed = { readonly failure: Failure; readonly error: unknown; readonly cut: Cut | undefined };
/** A session's hook that failed, and what its error is. */
type FailedHook = {
  readonly name: "onRequest" | "onRequestError" | "onResponse";
  readonly error: unknown;
};
type Outcome = ({ readonly received: Received } | Failed) & { readonly hook?: FailedHook | undefined };

/** What an attempt that did not succeed means for the next one. */
interface Setback {
  readonly event: RetryEvent;
  readonly record: AttemptRecord;
  readonly delivery: Delivery;
  /** Milliseconds until the provider wants to be asked again. */
  readonly retryIn: number | undefined;
  /** A reason to stop that comes before the policy's. */
  readonly stopped: StopReason | undefined;
  /** A reason to stop that comes after the policy's. */
  readonly isFinal: StopReason | undefined;
}

/** The state of one `request` call of a session: the retry loop. */
export class Call {
  private readonly attempts: AttemptRecord[] = [];
  /** Whether an attempt before the last may have delivered the message. */
  private uncertain = false;
  /** Whether Node has sent a request twice. */
  private misdirected = false;
  /** Tokens that the last retry took. */
  private tokens = 1;

  /** @param deadlineAt when the call ends at the latest, by the clock's monotonic time */
  constructor(
    private readonly request: SessionRequest,
    private policy: RetryPolicy,
    private deadlineAt: number,
    private readonly session: CallPort,
  ) {}

  async run(): Promise<SessionResponse> {
    const { clock, rateLimiter, options, budget } = this.session;
    let { url } = this.request;
    for (;;) {
      if (this.request.signal?.aborted) throw this.abortError();
      if (this.deadlineAt <= clock.monotonic()) throw this.transportError(TOO_LATE, undefined, undefined);
      const wait = rateLimiter.reserve(this.deadlineAt);
      if (wait !== 0) await this.waitForTurn(wait);
      await this.beforeRequest();
      const startedAt = clock.now();
      const begun = clock.monotonic();
      const timeout = this.request.timeout ?? options.timeout ?? DEFAULT_TIMEOUT;
      const left = this.deadlineAt - begun;
      const request = { ...this.request, url, body: this.body() };
      const outcome = await attempt(this.session, request, Math.min(timeout, left), left < timeout);
      const number = this.attempts.length + 1;
      const record: AttemptRecord = { number, startedAt, duration: Math.round(clock.monotonic() - begun) };
      const { hook } = outcome;
      if ("failure" in outcome) {
        const setback = this.afterFailure(outcome, record, url);
        if (hook) throw this.hookFailed(hook, setback);
        const stopped = await this.stopOrPause(setback, begun);
        if (!stopped) continue;
        this.attempts.push({ ...setback.record, stopped });
        throw this.transportError(outcome.failure, outcome.error, outcome.cut);
      }
      const { received } = outcome;
      const { status, headers } = received;
      rateLimiter.learn(status, headers);
      const setback = this.afterResponse(received, record, url);
      if (hook) throw this.hookFailed(hook, setback);
      if (status >= 200 && status < 300) {
        budget.give(this.tokens);
        const stopped = received.bodyError === undefined ? "success" : "accepted";
        this.attempts.push({ ...record, status, stopped });
        return this.response(received, setback);
      }
      const stopped = await this.stopOrPause(setback, begun);
      if (stopped) {
        this.attempts.push({ ...setback.record, stopped });
        return this.response(received, setback);
      }
      url = setback.event.redirectLocation ?? url;
    }
  }

  /** The error of a breaker that lets nothing through for so many milliseconds. */
  circuitOpen(ms: number): TransportError {
    const failure: Failure = {
      phase: "other",
      code: "CIRCUIT_OPEN",
      message: "too many sends failed of late, so its circuit breaker is open",
    };
    return this.transportError(failure, undefined, undefined, dateIn(this.session.clock, ms));
  }

  /** What the caller's last check throws ends the call; nothing more is sent. */
  private async beforeRequest(): Promise<void> {
    const { provider, onRequest } = this.request;
    try {
      await onRequest?.();
    } catch (cause) {
      const { attempts } = this;
      throw hookError(provider, "onRequest", cause, { attempts, delivery: this.overall("not-sent") });
    }
  }

  /** Node does not send a stream again by itself. */
  private body(): SessionRequest["body"] {
    const { body } = this.request;
    return this.misdirected && typeof body === "string" ? new ByteChunks([utf8(body)]) : body;
  }

  private afterFailure({ failure, cut }: Failed, record: AttemptRecord, url: string): Setback {
    const redactor = this.request.redactor ?? NO_SECRETS;
    const error = redactor.text(failure.code ?? failure.message);
    return {
      event: { class: failure.phase, url },
      record: { ...record, class: failure.phase, error },
      delivery: failure.phase === "read" ? "unknown" : "not-sent",
      retryIn: undefined,
      stopped: cut === "ABORTED" ? "aborted" : cut === "DEADLINE" ? "deadline" : undefined,
      isFinal: undefined,
    };
  }

  private afterResponse(received: Received, record: AttemptRecord, url: string): Setback {
    const { status, headers } = received;
    const { idempotent, judge } = this.request;
    const byStatus = deliveryOfStatus(status);
    const verdict: Verdict =
      byStatus === "accepted" ? { delivery: byStatus } : (judge?.(received) ?? { delivery: byStatus });
    const { retryAt } = verdict;
    // What was not read may say that a proxy made it, or that the key's first request is in progress.
    const isUnread = received.bodyError !== undefined && (idempotent || status === 413 || status === 429);
    const delivery = isUnread && verdict.delivery === "not-sent" ? "unknown" : verdict.delivery;
    const location = sameOriginRedirect(status, headers["location"], url);
    const retryable = verdict.retryable === true && (delivery === "not-sent" || idempotent === true);
    const asked = retryAt
      ? String(Math.max(0, Math.ceil((retryAt.getTime() - this.session.clock.now()) / 1000)))
      : RETRY_AFTER_STATUSES.has(status) || retryable
        ? headers["retry-after"]
        : undefined;
    const seconds = asked ? this.policy.parseRetryAfter(asked, this.session.clock.now()) : undefined;
    // By itself a Retry-After leads to a retry, so it must come with the proof that the message was not sent.
    const trusted = delivery === "not-sent" || idempotent || this.policy.statusForcelist.includes(status);
    const event: RetryEvent = location
      ? { class: "redirect", status, redirectLocation: location, url }
      : { class: "status", status, retryAfter: trusted ? asked : undefined, retryable, url };
    const resent =
      status === 421 && SENDS_STREAMS && this.session.isPlatform && typeof this.body() === "string";
    if (resent) this.misdirected = !this.session.options.hooks;
    return {
      event,
      record: { ...record, class: event.class, status, ...(resent ? { resent } : undefined) },
      delivery,
      retryIn: seconds ? seconds * 1000 : undefined,
      stopped: undefined,
      isFinal: location
        ? undefined
        : (verdict.stopped ?? (isUnread && !idempotent ? "not-retryable-status" : undefined)),
    };
  }

  /** Waits until the next attempt may be made, or gives the reason for which there is none. */
  private async stopOrPause(setback: Setback, begun: number): Promise<StopReason | undefined> {
    const { event, record, delivery, retryIn = 0, stopped, isFinal } = setback;
    const { clock, budget } = this.session;
    if (stopped) return stopped;
    const decision = this.policy.decide(this.request.method, event, clock);
    if (decision.decision !== "retry") return decision.why;
    if (isFinal) return isFinal;
    const deadlineAt = this.deadlineAfter(begun, delivery);
    const left = deadlineAt - clock.monotonic();
    let delay = decision.delay * 1000;
    // What is added at random is not worth a failure.
    if (delay >= left && decision.delaySource === "retry-after") delay = retryIn;
    // A provider that asks for more time than there is gets no early visit.
    if (Math.max(delay, retryIn) >= left) return "deadline";
    if (this.request.signal?.aborted) return "aborted";
    if (event.class !== "redirect") {
      const tokens = budget.take(record.error === "TIMEOUT");
      if (tokens === undefined) return "budget";
      this.tokens = tokens;
    }
    if (delivery === "unknown") this.uncertain = true;
    this.deadlineAt = deadlineAt;
    this.policy = decision.next;
    await this.pause({ ...record, delay: delay / 1000, delaySource: decision.delaySource });
    return undefined;
  }

  /** An attempt that may have been taken can be followed by others only as long as the provider has its key. */
  private deadlineAfter(begun: number, delivery: Delivery): number {
    const { idempotent, idempotencyWindow = Infinity } = this.request;
    return delivery === "unknown" && idempotent
      ? Math.min(this.deadlineAt, begun + idempotencyWindow)
      : this.deadlineAt;
  }

  /** @param wait milliseconds; `undefined` when the deadline comes first */
  private async waitForTurn(wait: number | undefined): Promise<void> {
    const { clock, rateLimiter } = this.session;
    if (wait === undefined) {
      const at = rateLimiter.availableAt();
      const failure: Failure = {
        phase: "other",
        code: "RATE_LIMITED",
        message: `the rate limit lasts until ${at.toISOString()}`,
      };
      throw this.transportError(failure, undefined, undefined, at);
    }
    try {
      await sleep(clock, wait, this.request.signal);
    } catch {
      rateLimiter.release();
      throw this.abortError();
    }
  }

  /** Sleeps for the delay of an attempt that failed. */
  private async pause(attempt: AttemptRecord): Promise<void> {
    this.attempts.push(attempt);
    const { clock, options } = this.session;
    const { provider, signal } = this.request;
    try {
      const told = options.onRetry?.({ attempt, provider });
      if (told) await within(clock, told, this.deadlineAt - clock.monotonic(), signal);
    } catch (cause) {
      if (signal?.aborted) throw this.abortError();
      const { attempts } = this;
      throw hookError(provider, "onRetry", cause, { attempts, delivery: this.overall("not-sent") });
    }
    const { delay = 0 } = attempt;
    if (delay <= 0) return;
    try {
      await sleep(clock, delay * 1000, signal);
    } catch {
      throw this.abortError();
    }
  }

  /** What a hook throws says nothing of the request, and the next attempt would meet it too. */
  private hookFailed({ name, error }: FailedHook, { record, delivery }: Setback): PosthornError {
    // Nothing went out before `onRequest`.
    if (name !== "onRequest") this.attempts.push({ ...record, stopped: "hook" });
    const { attempts } = this;
    return hookError(this.request.provider, name, error, { attempts, delivery: this.overall(delivery) });
  }

  private response(received: Received, { delivery, retryIn }: Setback): SessionResponse {
    const { attempts, uncertain } = this;
    const retryAt = retryIn === undefined ? undefined : dateIn(this.session.clock, retryIn);
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
    const transient = cut !== "ABORTED" && (failure.phase !== "other" || retryAt !== undefined);
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
  { clock, options, isPlatform, init }: CallPort,
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
  const stopWaiting = onAbort(request.signal, () => end("ABORTED", request.signal?.reason));
  const cancelTimer = clock.setTimer(() => {
    const what = byDeadline ? "the deadline has passed" : `no response within ${limit} ms`;
    end(byDeadline ? "DEADLINE" : "TIMEOUT", new DOMException(what, "TimeoutError"));
  }, limit);
  const progress: Progress = { stage: "signing", text: "" };
  // What fetch itself does counts, whatever the hooks around it make of it.
  const fetch = async (input: unknown, fetchOptions?: unknown): Promise<Response> => {
    progress.stage = "fetching";
    try {
      // The platform's is looked up at each call, so that instrumentation installed later is seen.
      const send = options.fetch ?? globalThis.fetch;
      progress.response = await send(input as string, fetchOptions as RequestInit);
      return progress.response;
    } catch (error) {
      progress.failed = { error };
      throw error;
    }
  };
  const exchange = async (): Promise<Received> => {
    const signed = request.sign ? await request.sign(clock.now()) : request.headers;
    signal.throwIfAborted();
    progress.stage = "hooks";
    const headers = options.headers ? { ...options.headers, ...signed } : signed;
    const response = (await createFetch({ fetch: fetch as typeof globalThis.fetch }).raw(request.url, {
      ...options.hooks,
      ...init,
      ...fetchInit(request.body, headers, isPlatform),
      method: request.method,
      signal,
      redirect: "manual",
      retry: false,
      ignoreResponseError: true,
      responseType: "stream",
    })) as Response;
    progress.response = response;
    progress.stage = "reading";
    await readBody(response, progress);
    return receivedFrom(response, progress.text, undefined);
  };
  try {
    return { received: await Promise.race([exchange(), ended]) };
  } catch (error) {
    const { response, stage } = progress;
    // A hook failed. The body still tells what became of the message.
    if (response && stage === "fetching" && !cut) {
      await Promise.race([readBody(response, progress), ended]).then(
        () => (progress.isRead = true),
        () => {},
      );
    }
    return failedOutcome(error, cut, progress, options, isPlatform ? undefined : request.url);
  } finally {
    cancelTimer();
    stopWaiting();
  }
}

/** How far an attempt has come. */
interface Progress {
  stage: "signing" | "hooks" | "fetching" | "reading";
  response?: Response;
  /** What `fetch` threw. */
  failed?: { readonly error: unknown };
  /** The body, as far as it was read. */
  text: string;
  /** Whether that is all of it, although something failed. */
  isRead?: boolean;
}

function failedOutcome(
  error: unknown,
  cut: Cut | undefined,
  { stage, response, failed, text, isRead }: Progress,
  { hooks }: SessionOptions,
  customUrl: string | undefined,
): Outcome {
  const hook = (name: FailedHook["name"]): FailedHook | undefined =>
    cut === undefined && hooks?.[name] ? { name, error } : undefined;
  // Once a response has begun, it is the response, however its body ends.
  if (response) {
    const bodyError = isRead ? undefined : (error ?? new Error("the body could not be read"));
    const received = receivedFrom(response, text, bodyError);
    return { received, hook: stage === "fetching" ? hook("onResponse") : undefined };
  }
  const cause = failed ? failed.error : error;
  const failure = classifyFailure(cause, customUrl);
  const code = cut ?? failure.code;
  if (stage === "fetching") {
    const isHooks = failed && (error as { cause?: unknown } | undefined)?.cause !== failed.error;
    return {
      failure: { ...failure, code },
      error: cause,
      cut,
      hook: isHooks ? hook("onRequestError") : undefined,
    };
  }
  // Nothing was sent. Whoever gives the credentials may respond next time; headers that cannot be sent stay so.
  const phase = stage === "signing" || cut ? "connect" : "other";
  return {
    failure: { ...failure, phase, code },
    error,
    cut,
    hook: stage === "hooks" ? hook("onRequest") : undefined,
  };
}

/** Reads a body into `progress.text`. @throws Error when it is too long */
async function readBody(response: Response, progress: Progress): Promise<void> {
  const { body, headers } = response;
  const length = Number(headers.get("content-length") ?? NaN);
  // A length that is told holds, but for a compressed body.
  if (!body || (length <= LONGEST_BODY && !headers.has("content-encoding"))) {
    progress.text = await response.text();
    return;
  }
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > LONGEST_BODY) {
      reader.cancel().catch(() => {});
      progress.text = progress.text.slice(0, 10_000);
      throw new Error("the response is longer than 10 MB");
    }
    progress.text += decoder.decode(value, { stream: true });
  }
  progress.text += decoder.decode();
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

/** Where a redirect leads, if it may be followed: it keeps the method and body (307, 308) and goes to the same origin. */
function sameOriginRedirect(status: number, location: string | undefined, url: string): string | undefined {
  if ((status !== 307 && status !== 308) || !location || !URL.canParse(location, url)) return undefined;
  const target = new URL(location, url);
  return target.origin === new URL(url).origin ? target.href : undefined;
}
