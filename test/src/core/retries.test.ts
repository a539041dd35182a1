import { EventEmitter, getEventListeners } from "node:events";
import {
  type ApiError,
  CircuitBreaker,
  type Clock,
  ConfigurationError,
  failover,
  type PoolError,
  PosthornError,
  RETRY_UNSENT,
  RetryPolicy,
  Session,
  type TransportError,
} from "@posthorn/core";
import type { ProviderErrorInfo } from "@posthorn/core/provider";
import { mandrill } from "@posthorn/mandrill";
import { memory } from "@posthorn/testing";
import { type FaultServer, refusedUrl, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { BareBackend } from "../faults/keyed-backend.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer({ respond: () => ({ kind: "answer", body: '{"id":"1"}' }) });
});
afterEach(() => server.reset());
afterAll(() => server.close());

/** A clock of the test's own: sleeps are at once and written down, timeouts never come. */
function testClock(random = 0.5): Clock & { at: number; slept: number[] } {
  const clock = {
    at: 1_700_000_000_000,
    slept: [] as number[],
    now: () => clock.at,
    random: () => random,
    setTimer: (callback: () => void, ms: number) => {
      if (ms >= 20_000) return () => {};
      const id = setImmediate(() => {
        clock.at += ms;
        clock.slept.push(ms);
        callback();
      });
      return () => clearImmediate(id);
    },
  };
  return clock;
}

type Options = ConstructorParameters<typeof BareBackend>[1];
const message = { from: "a@example.com", to: ["b@example.org"], subject: "S" };
const keyless = (options: Options = {}): BareBackend =>
  new BareBackend(false, { apiUrl: server.url, clock: testClock(), ...options });
const keyed = (options: Options = {}): BareBackend =>
  new BareBackend(true, { apiUrl: server.url, clock: testClock(), ...options }, 86_400_000);
/** Whichever of both it is. */
type Failure = Omit<ApiError & Omit<TransportError, "name" | "code">, "name"> & { readonly name: string };
const failure = async (promise: Promise<unknown>): Promise<Failure> => {
  const error: unknown = await promise.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PosthornError);
  return error as Failure;
};
const errno = (code: string, syscall?: string): TypeError =>
  new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code, syscall }) });

describe("a hook or a fetch of the caller's own that fails after the response", () => {
  const refused = async (): Promise<Response> => fetch(await refusedUrl());

  it.each([
    [200, "accepted"],
    [429, "not-sent"],
    [500, "unknown"],
  ])("onResponse after %i leaves the message %s, and makes no second request", async (status, delivery) => {
    server.script({ kind: "answer", status });
    const session = new Session({ hooks: { onResponse: async () => void (await refused()) } });
    const error = await failure(keyless({ session }).send(message));
    expect(error).toMatchObject({ delivery, retryable: false });
    expect(error.message).toContain('the hook "onResponse" failed');
    expect(error.attempts.map((attempt) => [attempt.status, attempt.stopped])).toEqual([[status, "hook"]]);
    expect(server.requests).toHaveLength(1);
    server.script({ kind: "answer", status });
    const other = memory();
    await failure(failover([keyless({ session }), other]).send(message));
    expect(other.outbox).toEqual([]);
  });

  it("onResponse does not hide that a proxy made the response", async () => {
    const session = new Session({ hooks: { onResponse: refused as never } });
    server.script({ kind: "answer", status: 429, body: "<html>", headers: { "retry-after": "1" } });
    expect(await failure(keyless({ session }).send(message))).toMatchObject({ delivery: "unknown" });
  });

  it("onRequest sends nothing, once", async () => {
    let calls = 0;
    const onRequest = async (): Promise<void> => {
      calls++;
      await refused();
    };
    const error = await failure(keyless({ session: new Session({ hooks: { onRequest } }) }).send(message));
    expect(error).toMatchObject({ delivery: "not-sent", attempts: [] });
    expect([calls, server.requests.length]).toEqual([1, 0]);
  });

  it("onRequestError does not hide what became of the request", async () => {
    const onRequestError = async (): Promise<void> => void (await refused());
    const session = new Session({ hooks: { onRequestError } });
    server.script({ kind: "reset-after-request", accepted: true });
    expect(await failure(keyless({ session }).send(message))).toMatchObject({ delivery: "unknown" });
    expect(server.requests).toHaveLength(1);
  });

  it.each(["refused", "unresolved"])("a fetch whose second request is %s proves nothing", async (kind) => {
    const elsewhere = kind === "refused" ? await refusedUrl() : "http://posthorn.invalid";
    const own = async (input: string, init?: RequestInit): Promise<Response> => {
      const response = await fetch(input, init);
      await fetch(elsewhere);
      return response;
    };
    expect(await failure(keyless({ fetch: own }).send(message))).toMatchObject({
      delivery: "unknown",
      retryable: false,
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe("what proves that nothing was sent", () => {
  it.each([
    ["EHOSTUNREACH", "connect", "connect"],
    ["EHOSTUNREACH", "read", "read"],
    ["ENETUNREACH", "write", "read"],
    ["ENETDOWN", undefined, "read"],
    ["EHOSTDOWN", "read", "read"],
    ["ECONNREFUSED", "read", "read"],
    ["ECONNREFUSED", "connect", "connect"],
    ["ECONNRESET", "connect", "connect"],
    ["ENOTFOUND", "getaddrinfo", "connect"],
    ["EAI_AGAIN", undefined, "connect"],
    ["EPROTO", undefined, "read"],
    ["ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR", undefined, "read"],
    ["CERT_HAS_EXPIRED", undefined, "other"],
  ])("%s of %s is %s", async (code, syscall, phase) => {
    const error = await failure(keyless({ fetch: () => Promise.reject(errno(code, syscall)) }).send(message));
    expect(error).toMatchObject({ phase, delivery: phase === "read" ? "unknown" : "not-sent" });
    expect(error.attempts).toHaveLength(phase === "connect" ? 4 : 1);
  });

  it("errors of another realm are read like those of this one", async () => {
    const { runInNewContext } = await import("node:vm");
    const foreign = runInNewContext(
      'const e = new TypeError("fetch failed"); e.cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED", syscall: "connect" }); e',
    ) as unknown;
    expect(foreign).not.toBeInstanceOf(Error);
    const error = await failure(keyless({ fetch: () => Promise.reject(foreign) }).send(message));
    expect(error).toMatchObject({ phase: "connect", code: "ECONNREFUSED" });
    expect(error.message).toContain("connect");
  });

  it("a header that HTTP cannot carry fails once", async () => {
    const session = new Session({ headers: { "x-app": "\u200b" } });
    expect(await failure(keyless({ session }).send(message))).toMatchObject({
      phase: "other",
      delivery: "not-sent",
      retryable: false,
      attempts: [{ stopped: expect.anything() }],
    });
  });

  it("a port that fetch blocks fails once", async () => {
    const error = await failure(keyless({ apiUrl: "http://127.0.0.1:6000" }).send(message));
    expect(error).toMatchObject({ phase: "other", delivery: "not-sent", retryable: false });
    expect(error.attempts).toHaveLength(1);
  });
});

describe("options of one send and of a session", () => {
  it.each([
    [{ signal: new AbortController() }, '"signal" must be an AbortSignal'],
    [{ signal: "now" }, '"signal" must be'],
    [{ timeout: Number.NaN }, '"timeout" must be'],
    [{ timeout: 0 }, '"timeout" must be'],
    [{ timeOut: 5 }, 'Did you mean "timeout"?'],
    [{ somethingElse: 1 }, "Valid options: signal, timeout"],
  ])("%j is an error, and nothing is sent", async (options, text) => {
    const error = await failure(keyless().send(message, options as never));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toContain(text);
    expect(error.delivery).toBe("not-sent");
    expect(server.requests).toEqual([]);
  });

  it.each([
    [{ fetch: {} }, '"fetch" must be a function'],
    [{ onRetry: 5 }, '"onRetry" must be a function'],
    [{ retryBudget: { tokens: -1 } }, '"retryBudget"'],
    [{ hooks: [], fetsh: fetch }, 'Did you mean "fetch"?'],
  ])("%j is no session", (options, text) => {
    expect(() => new Session(options as never)).toThrow(text);
  });
});

describe("statuses", () => {
  it("a 503 of a proxy proves nothing, whatever its Retry-After", async () => {
    for (const [body, header, delivery] of [
      ["<html>Varnish</html>", "5", "unknown"],
      ["upstream timed out", "5", "unknown"],
      ["", "5", "unknown"],
      ['{"message":"busy"}', "soon", "unknown"],
      ['{"message":"busy"}', "-5", "unknown"],
      ['{"message":"busy"}', "1, 1", "unknown"],
    ] as const) {
      server.script({
        kind: "answer",
        status: 503,
        body,
        headers: { "retry-after": header },
        accepted: true,
      });
      const error = await failure(keyless().send(message));
      expect({ body, header, delivery: error.delivery, attempts: error.attempts.length }).toEqual({
        body,
        header,
        delivery,
        attempts: 1,
      });
    }
    const busy = {
      kind: "answer",
      status: 503,
      body: '{"message":"busy"}',
      headers: { "retry-after": "5" },
    } as const;
    server.script(busy);
    expect((await keyless().send(message)).attempts).toHaveLength(2);
  });

  it("a page with a 429 or 413 proves nothing", async () => {
    for (const status of [413, 429]) {
      server.script({ kind: "answer", status, body: "<html>", headers: { "retry-after": "1" } });
      expect(await failure(keyless().send(message))).toMatchObject({ delivery: "unknown", attempts: [{}] });
      server.script({ kind: "answer", status, body: "<html>", headers: { "retry-after": "1" } });
      expect((await keyed().send({ ...message, idempotencyKey: "k" })).attempts).toHaveLength(2);
    }
  });

  it("a response that was not read to its end proves less", async () => {
    for (const [backend, status, delivery] of [
      [keyless(), 429, "unknown"],
      [keyless(), 400, "not-sent"],
      [keyed({ retry: false }), 409, "unknown"],
    ] as const) {
      server.script({ kind: "truncated-body", status, body: '{"message":"a request with this key"}' });
      expect(await failure(backend.send(message))).toMatchObject({ status, delivery, attempts: [{}] });
    }
  });

  it("a 303 may have been sent", async () => {
    server.script({ kind: "answer", status: 303, headers: { location: "/done" } });
    expect(await failure(keyless().send(message))).toMatchObject({ delivery: "unknown", attempts: [{}] });
  });

  it("a 421 is tried again, and Node resends it only once", async () => {
    server.decide((_, index) => (index < 4 ? { kind: "answer", status: 421 } : undefined));
    const { attempts } = await keyless().send(message);
    // Each attempt is one request, but for the first.
    expect(attempts.map(({ status, resent }) => [status, resent])).toEqual([
      [421, true],
      [421, undefined],
      [421, undefined],
      [200, undefined],
    ]);
    expect(server.requests).toHaveLength(5);
    expect(new Set(server.requests.map(({ body }) => body.toString())).size).toBe(1);
  });
});

class Telling extends BareBackend {
  said: ProviderErrorInfo = {};
  seen: unknown[] = [];
  protected override readError(...response: Parameters<BareBackend["readError"]>): ProviderErrorInfo {
    this.seen = response;
    return this.said;
  }
}

describe("what a provider's response says", () => {
  const telling = (takesKey: boolean, said: ProviderErrorInfo, clock = testClock()): Telling =>
    Object.assign(new Telling(takesKey, { apiUrl: server.url, clock }, 86_400_000), { said });

  it("is read with its headers and status, though its body is no JSON", async () => {
    server.script({ kind: "answer", status: 400, body: "", headers: { "x-amzn-errortype": "Throttling" } });
    const backend = telling(false, { code: "Throttling" });
    expect(await failure(backend.send(message))).toMatchObject({ code: "Throttling" });
    expect(backend.seen).toEqual([
      undefined,
      expect.objectContaining({ "x-amzn-errortype": "Throttling" }),
      400,
    ]);
  });

  it("leads to a retry when it says so and nothing was sent, within the budgets", async () => {
    server.decide(() => ({ kind: "answer", status: 400 }));
    expect(await failure(telling(false, { retryable: true }).send(message))).toMatchObject({
      delivery: "not-sent",
      retryable: true,
    });
    expect(server.requests).toHaveLength(4);
    server.reset();
    server.decide(() => ({ kind: "answer", status: 500 }));
    await failure(telling(false, { retryable: true }).send(message));
    expect(server.requests).toHaveLength(1);
  });

  it("leads to a retry at the time that it names, never earlier", async () => {
    server.script({ kind: "answer", status: 400 });
    const clock = testClock();
    const retryAt = new Date(clock.at + 7_300);
    await telling(false, { retryAt }, clock).send(message);
    expect(clock.slept[0]).toBeGreaterThanOrEqual(7_300);
    server.script({ kind: "answer", status: 400 });
    const late = new Date(clock.at + 3_600_000);
    const error = await failure(telling(false, { retryAt: late }, clock).send(message));
    expect(error).toMatchObject({ retryable: true, retryAt: late, attempts: [{ stopped: "deadline" }] });
  });

  it("in progress: waits, asks again with the same key, and is crossed by no pool", async () => {
    const busy = { kind: "answer", status: 409 } as const;
    server.script(busy, busy);
    const backend = telling(true, { inProgress: true, code: "concurrent" });
    const { attempts } = await backend.send({ ...message, idempotencyKey: "order-17" });
    expect(attempts.map(({ status }) => status)).toEqual([409, 409, 200]);
    expect(new Set(server.requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    server.decide(() => busy);
    const other = memory();
    const pool = failover([backend, other], { failoverWhen: "unknown" });
    const error = await failure(pool.send({ ...message, idempotencyKey: "order-18" }));
    expect(error).toMatchObject({ delivery: "unknown", route: [{ outcome: "failed" }] });
    expect(other.outbox).toEqual([]);
    expect((error as unknown as PoolError).route[0]?.error).toMatchObject({
      inProgress: true,
      retryable: true,
    });
  });
});

describe("a response that is too long", () => {
  it("is read to 10 MB and no further", async () => {
    const chunk = new Uint8Array(1024 * 1024).fill(32);
    let pulled = 0;
    let isCancelled = false;
    const endless = async (): Promise<Response> =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            pulled++;
            controller.enqueue(chunk);
          },
          cancel: () => {
            isCancelled = true;
          },
        }),
      );
    const error = await failure(keyless({ fetch: endless }).send(message));
    expect(error).toMatchObject({ status: 200, delivery: "accepted" });
    expect(String((error.cause as Error).message)).toContain("10 MB");
    expect(pulled).toBeLessThan(14);
    expect(isCancelled).toBe(true);
  });
});

describe("time", () => {
  it("steps back without blocking the limiter, the deadline or the breaker", async () => {
    const clock = testClock();
    const limited = keyless({ clock, rateLimit: { requests: 1, per: 1_000 } });
    await limited.send(message);
    clock.at -= 3_600_000;
    for (let sends = 0; sends < 5; sends++) await limited.send(message);
    expect(server.requests).toHaveLength(6);
    const breaker = new CircuitBreaker({ failures: 1, resetAfter: 1_000 }, clock);
    breaker.record({ status: 500 });
    clock.at -= 3_600_000;
    expect(breaker.admit()).toBe(false);
    clock.at += 1_000;
    expect(breaker.admit()).toBe(true);
  });

  it.each([
    ["99999999999999", 429],
    ["9".repeat(400), 429],
    ["315360000", 429],
    [undefined, 200],
  ])("a hold of %s is capped at an hour, without a RangeError", async (retryAfter, status) => {
    const clock = testClock();
    const limited = keyless({ clock, rateLimit: { requests: 9, per: "second" }, retry: { total: 0 } });
    server.script({
      kind: "answer",
      status,
      body: '{"id":"1"}',
      headers: retryAfter
        ? { "retry-after": retryAfter }
        : { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(clock.at + 1_900_000) },
    });
    await limited.send(message).catch(() => {});
    const error = await failure(limited.send(message));
    expect(error).toMatchObject({ code: "RATE_LIMITED", delivery: "not-sent", retryable: true });
    // A reset of 1e11 and more is in milliseconds.
    expect(error.retryAt?.getTime()).toBe(clock.at + (retryAfter ? 3_600_000 : 1_900_000));
  });

  it("an aborted wait gives its turn back", async () => {
    const controller = new AbortController();
    const waiting: Clock = { ...testClock(), setTimer: () => () => {} };
    const limited = keyless({ clock: waiting, rateLimit: { requests: 2, per: "second" } });
    const sends = Array.from({ length: 50 }, () =>
      limited.send(message, { signal: controller.signal }).catch((error: unknown) => error),
    );
    await Promise.resolve();
    controller.abort();
    await Promise.all(sends);
    const wait = (limited as unknown as { session: Session }).session.rateLimiter.availableAt();
    expect(wait.getTime() - waiting.now()).toBeLessThanOrEqual(1_000);
  });
});

describe("one signal for many sends", () => {
  it("has one listener, and none afterwards", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const sends = Array.from({ length: 40 }, () => keyless().send(message, { signal }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(getEventListeners(signal, "abort").length).toBeLessThanOrEqual(1);
    await Promise.all(sends);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
    expect(EventEmitter.defaultMaxListeners).toBe(10);
  });
});

describe("secrets", () => {
  it("are in no attempt, and in nothing that onRetry gets", async () => {
    const told: string[] = [];
    const apiKey = "made-up-key";
    const leaking = async (): Promise<never> => {
      throw new Error(`refused with ${apiKey}`);
    };
    const error = await failure(
      mandrill({
        apiKey,
        fetch: leaking,
        clock: testClock(),
        retry: { read: 2 },
        onRetry: (info) => void told.push(JSON.stringify(info)),
      }).send({ ...message, text: "T" }),
    );
    expect(told).toHaveLength(2);
    expect(JSON.stringify([told, error.attempts, error.message, String(error.cause)])).not.toContain(apiKey);
  });
});

describe("retries of many sends", () => {
  const outage = async (sends: number, options: Options): Promise<PosthornError[]> => {
    server.decide(() => ({ kind: "answer", status: 429 }));
    const backend = keyless(options);
    const errors: PosthornError[] = [];
    for (let index = 0; index < sends; index++) errors.push(await failure(backend.send(message)));
    return errors;
  };

  it("have a budget of 500 tokens, 5 a retry: an outage does not multiply the load", async () => {
    const errors = await outage(150, {});
    expect(server.requests).toHaveLength(250);
    const last = errors.at(-1);
    expect(last?.attempts.map(({ stopped }) => stopped)).toEqual(["budget"]);
    expect(last).toMatchObject({ delivery: "not-sent", retryable: true });
  });

  it("have as many as they like without a budget", async () => {
    await outage(150, { retryBudget: false });
    expect(server.requests).toHaveLength(600);
  });

  it("get tokens back by successes, and pay 10 for a timeout", async () => {
    const backend = keyed({ retryBudget: { tokens: 10 }, retry: { total: 1 } });
    const reset = { kind: "reset-after-request" } as const;
    const attempts = async (): Promise<number> =>
      (await backend.send(message).catch((error: PosthornError) => error)).attempts.length;
    server.script(reset, reset, reset, reset, reset);
    expect([await attempts(), await attempts(), await attempts()]).toEqual([2, 2, 1]);
    for (let sends = 0; sends < 5; sends++) expect(await attempts()).toBe(1);
    server.script(reset);
    expect(await attempts()).toBe(2);
    server.script(reset, reset);
    expect(await attempts()).toBe(2);
  });

  it("are spread from the first on, and never before a Retry-After", async () => {
    for (const [random, delays] of [
      [0, [7, 0, 0]],
      [0.5, [7.875, 1, 2]],
      [0.999, [8.748, 1.998, 3.996]],
    ] as const) {
      const wait = { kind: "answer", status: 429 } as const;
      server.script({ ...wait, headers: { "retry-after": "7" } }, wait, wait);
      const { attempts } = await keyless({ clock: testClock(random) }).send(message);
      expect(attempts.slice(0, 3).map(({ delay = -1 }) => Math.round(delay * 1000) / 1000)).toEqual(
        delays.map((delay) => Math.round(delay * 1000) / 1000),
      );
    }
    expect(RETRY_UNSENT.jitter).toBe(true);
    expect(new RetryPolicy().jitter).toBe(false);
  });

  it("come at the time of a Retry-After itself when its jitter would pass the deadline", async () => {
    server.decide(() => ({ kind: "answer", status: 429, headers: { "retry-after": "19" } }));
    const { attempts } = await failure(
      keyless({ clock: testClock(0.999), retry: { deadline: 20 } }).send(message),
    );
    expect(attempts[0]?.delay).toBe(19);
  });
});

describe("a breaker", () => {
  const clock = testClock();
  const record = (breaker: CircuitBreaker, ...statuses: number[]): void => {
    for (const status of statuses) breaker.record({ status });
  };

  it("opens by the share of failures too", () => {
    const breaker = new CircuitBreaker({ failures: 100, failureRate: 0.5, minimum: 10 }, clock);
    record(breaker, 200, 500, 200, 500, 200, 500, 200, 500, 200);
    expect(breaker.isOpen).toBe(false);
    record(breaker, 500);
    expect(breaker.isOpen).toBe(true);
    const patient = new CircuitBreaker(
      { failures: 100, failureRate: 0.5, minimum: 10, window: 1_000 },
      clock,
    );
    record(patient, 500, 500, 500, 500, 500, 500, 500, 500, 500);
    clock.at += 1_000;
    record(patient, 500);
    expect(patient.isOpen).toBe(false);
  });

  it("is not tripped by the 401 and 403 of one account, nor closed by them", () => {
    const breaker = new CircuitBreaker({ failures: 2, resetAfter: 1_000 }, clock);
    record(breaker, 401, 403, 401, 500, 403);
    expect(breaker.isOpen).toBe(false);
    record(breaker, 500);
    expect(breaker.isOpen).toBe(true);
    clock.at += 1_000;
    expect(breaker.admit()).toBe(true);
    record(breaker, 401);
    expect(breaker.isOpen).toBe(true);
  });

  it("asks its probe instead of a send", async () => {
    let isWell = false;
    const breaker = new CircuitBreaker({ failures: 1, resetAfter: 1_000, probe: () => isWell }, clock);
    record(breaker, 500);
    for (const expected of [false, true]) {
      isWell = expected;
      clock.at += 1_000;
      expect(breaker.admit()).toBe(false);
      await new Promise((resolve) => setImmediate(resolve));
      expect(breaker.admit()).toBe(expected);
    }
  });

  it("fails the sends of a single backend at once, not sent, with the time to come back", async () => {
    const time = testClock();
    const breaker = new CircuitBreaker({ failures: 2, resetAfter: 5_000 }, time);
    const backend = keyless({ clock: time, breaker, retry: false });
    server.script({ kind: "answer", status: 500 }, { kind: "answer", status: 500 });
    await failure(backend.send(message));
    await failure(backend.send(message));
    expect(await failure(backend.send(message))).toMatchObject({
      code: "CIRCUIT_OPEN",
      delivery: "not-sent",
      retryable: true,
      retryAt: new Date(time.at + 5_000),
      attempts: [],
    });
    expect(server.requests).toHaveLength(2);
    time.at += 5_000;
    await backend.send(message);
    await backend.send(message);
  });
});
