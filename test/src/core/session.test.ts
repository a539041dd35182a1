import { ApiError, type Clock, Session, TransportError } from "@posthorn/core";
import { type FaultServer, startBlackHole, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { BareBackend } from "../faults/keyed-backend.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer({ respond: () => ({ kind: "answer", body: '{"id":"1"}' }) });
});
afterEach(() => server.reset());
afterAll(() => server.close());

/** A clock that stands still but for its timers: waiting takes no time, and is written down. */
function steppingClock(): Clock & { slept: number[]; at: number } {
  const clock = {
    at: 1_700_000_000_000,
    slept: [] as number[],
    now: () => clock.at,
    random: () => 0.5,
    setTimer: (callback: () => void, ms: number) => {
      // Attempt timeouts are the ones that are cancelled; sleeps run out.
      const id = setTimeout(
        () => {
          clock.at += ms;
          clock.slept.push(ms);
          callback();
        },
        ms >= 10_000 ? 60_000 : 0,
      );
      return () => clearTimeout(id);
    },
  };
  return clock;
}

const mail = { from: "a@example.com", to: ["b@example.org"], subject: "S" };
const keyless = (options: ConstructorParameters<typeof BareBackend>[1] = {}): BareBackend =>
  new BareBackend(false, { apiUrl: server.url, ...options });
/** Whichever of both it is. */
type Failure = Omit<ApiError & Omit<TransportError, "name" | "code">, "name"> & { readonly name: string };
const failure = async (promise: Promise<unknown>): Promise<Failure> => {
  const error: unknown = await promise.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toSatisfy((thrown) => thrown instanceof ApiError || thrown instanceof TransportError);
  return error as Failure;
};

describe("one loop, one clock", () => {
  it("sleeps by Retry-After, then by urllib3's backoff when told to, and keeps a history", async () => {
    const clock = steppingClock();
    const retries: number[] = [];
    const backend = keyless({
      clock,
      retry: { total: 5, deadline: 600, jitter: false, backoffFactor: 0.5, backoffJitter: 0.25 },
      onRetry: ({ attempt, provider }) => {
        expect(provider).toBe("Keyless");
        retries.push(attempt.number);
      },
    });
    server.script(
      { kind: "answer", status: 429, headers: { "retry-after": "7" } },
      { kind: "answer", status: 429 },
      { kind: "answer", status: 429, headers: { "retry-after": "soon" } },
    );
    const { attempts } = await backend.send(mail);
    expect(
      attempts.map(({ status, delay, delaySource, stopped }) => [status, delay, delaySource, stopped]),
    ).toEqual([
      [429, 7, "retry-after", undefined],
      [429, 1.125, "backoff", undefined],
      [429, 2.125, "backoff", undefined],
      [200, undefined, undefined, "success"],
    ]);
    expect(clock.slept).toEqual([7000, 1125, 2125]);
    expect(retries).toEqual([1, 2, 3]);
    expect(server.requests).toHaveLength(4);
  });

  it("asks the body before a retry whether the answer is final", async () => {
    const session = new Session({ clock: steppingClock() });
    const request = {
      method: "POST",
      url: server.url,
      headers: {},
      body: "{}",
      judge: ({ text }: { text: string }) => ({
        delivery: "not-sent" as const,
        stopped: text === "the day's quota is used up" ? ("refused" as const) : undefined,
      }),
    };
    server.script(
      { kind: "answer", status: 429, body: "not so fast" },
      { kind: "answer", status: 429, body: "the day's quota is used up", headers: { "retry-after": "1" } },
    );
    const { attempts, delivery, text } = await session.request(request);
    expect(attempts.map(({ status, stopped }) => [status, stopped])).toEqual([
      [429, undefined],
      [429, "refused"],
    ]);
    expect({ delivery, text }).toEqual({ delivery: "not-sent", text: "the day's quota is used up" });
  });

  it("fails at once when a Retry-After outlasts the deadline, and says when to come back", async () => {
    const clock = steppingClock();
    server.script({ kind: "answer", status: 429, headers: { "retry-after": "3600" } });
    const error = await failure(keyless({ clock, retry: { deadline: 60 } }).send(mail));
    expect(error).toMatchObject({
      status: 429,
      delivery: "not-sent",
      retryable: true,
      retryAt: new Date(clock.at + 3_600_000),
    });
    expect(error.attempts.at(-1)?.stopped).toBe("deadline");
    expect(clock.slept).toEqual([]);
  });

  it.each([
    ["headers", { kind: "stall-before-headers" } as const, { code: "DEADLINE", delivery: "unknown" }],
    [
      "the body",
      { kind: "stall-in-body", body: '{"id":"1"}' } as const,
      { status: 200, delivery: "accepted" },
    ],
  ])("the deadline ends waiting for %s", async (_, fault, expected) => {
    let pass = (): void => {};
    const setTimer = (callback: () => void): (() => void) => {
      pass = callback;
      return () => {};
    };
    const clock = { ...steppingClock(), setTimer };
    // The deadline passes when the server has the request, or its headers are here.
    const onResponse = (): void => void setImmediate(() => pass());
    server.decide(() => {
      if (fault.kind === "stall-before-headers") setImmediate(() => pass());
      return fault;
    });
    const session = new Session({ clock, retry: { deadline: 20 }, hooks: { onResponse } });
    const error = await failure(keyless({ session }).send(mail));
    expect(error).toMatchObject({ ...expected, retryable: false });
  });

  it("the deadline ends connecting", async () => {
    const hole = await startBlackHole();
    try {
      const error = await failure(keyless({ apiUrl: hole.url, retry: { deadline: 0.2 } }).send(mail));
      expect(error).toMatchObject({ code: "DEADLINE" });
    } finally {
      hole.close();
    }
  });

  it("says unknown once any attempt may have arrived, whatever came later", async () => {
    server.script({ kind: "reset-after-request", accepted: true }, { kind: "answer", status: 400 });
    const error = await failure(keyless({ retry: { read: 2 } }).send(mail));
    expect(error).toMatchObject({ status: 400, delivery: "unknown", retryable: false });
    expect(error.attempts).toHaveLength(2);
  });

  it("tries nothing again that may have arrived once the provider may have forgotten the key", async () => {
    const minute = new BareBackend(
      true,
      { apiUrl: server.url, clock: steppingClock(), retry: { deadline: 600 } },
      60_000,
    );
    const wait = { kind: "answer", status: 429, headers: { "retry-after": "90" } } as const;
    server.script({ kind: "reset-after-request", accepted: true }, wait);
    const error = await failure(minute.send({ ...mail, idempotencyKey: "k1" }));
    expect(error).toMatchObject({ status: 429, delivery: "unknown", retryable: false });
    expect(error.attempts.map(({ stopped }) => stopped)).toEqual([undefined, "deadline"]);
    expect(server.requests).toHaveLength(2);
  });

  it("calls what may have arrived retryable only with a key of the caller's that is kept for a day", async () => {
    const day = 86_400_000;
    for (const [idempotencyKey, window, retryable] of [
      ["k1", day, true],
      ["k1", day - 1, false],
      [undefined, day, false],
    ] as const) {
      const backend = new BareBackend(true, { apiUrl: server.url, retry: false }, window);
      for (const fault of [{ kind: "reset-after-request" }, { kind: "answer", status: 500 }] as const) {
        server.script(fault);
        const error = await failure(backend.send({ ...mail, idempotencyKey }));
        expect(error).toMatchObject({ delivery: "unknown", retryable });
      }
    }
  });

  it("follows only redirects that keep method and origin, and only when told to", async () => {
    const to = (location: string) => ({ kind: "answer", status: 307, headers: { location } }) as const;
    server.script(to("/moved"));
    await keyless({ retry: { redirect: 1 } }).send(mail);
    expect(server.requests.map(({ path, method }) => [path, method])).toEqual([
      ["/send", "POST"],
      ["/moved", "POST"],
    ]);
    server.script(to("http://127.0.0.2:1/elsewhere"));
    expect(await failure(keyless({ retry: { redirect: 1 } }).send(mail))).toMatchObject({
      status: 307,
      delivery: "not-sent",
    });
  });

  it("calls ofetch's hooks and sends a session's headers", async () => {
    const seen: string[] = [];
    const session = new Session({
      headers: { "x-app": "shop" },
      hooks: {
        onRequest: ({ request }) => void seen.push(String(request)),
        onResponse: ({ response }) => void seen.push(String(response.status)),
      },
    });
    await keyless({ session }).send(mail);
    expect(seen).toEqual([`${server.url}/send`, "200"]);
    expect(server.requests[0]?.headers["x-app"]).toBe("shop");
  });
});

describe("stream attachments", () => {
  it("are read once and sent whole at every attempt", async () => {
    const bytes = new Uint8Array(600_000).map((_, index) => index % 251);
    let reads = 0;
    const content = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(bytes.subarray(reads * 100_000, (reads + 1) * 100_000));
        if (++reads === 6) controller.close();
      },
    });
    server.script({ kind: "answer", status: 429 }, { kind: "answer", status: 429 });
    await keyless().send({ ...mail, attachments: [{ content, filename: "big.bin" }] });
    const expected = Buffer.from(bytes).toString("base64");
    expect(server.requests).toHaveLength(3);
    for (const { body, headers } of server.requests) {
      expect((JSON.parse(body.toString()) as { files: string[] }).files[0] === expected).toBe(true);
      // Providers may refuse a body whose length comes last.
      expect([headers["content-length"], headers["transfer-encoding"]]).toEqual([
        `${body.length}`,
        undefined,
      ]);
    }
    expect(reads).toBe(6);
  });

  it("do not hide a 401", async () => {
    const attachments = [{ content: new Uint8Array(3_000_000), filename: "big.bin" }];
    server.script({ kind: "answer", status: 401 });
    expect(await failure(keyless().send({ ...mail, attachments }))).toMatchObject({
      status: 401,
      delivery: "not-sent",
    });
  });

  it("go to a fetch of the caller's own as a blob", async () => {
    const bodies: unknown[] = [];
    const session = new Session({
      fetch: (url, init) => {
        bodies.push(init?.body);
        return fetch(url, init);
      },
    });
    await keyless({ session }).send({ ...mail, attachments: [{ content: new Uint8Array(300_000) }] });
    expect(bodies).toEqual([expect.any(Blob)]);
    expect(server.requests[0]?.body.length).toBe((bodies[0] as Blob).size);
  });
});

describe("abort", () => {
  const reason = new Error("the user left");

  it.each<[string, () => Promise<{ url: string; close(): void }>, string]>([
    ["connecting", startBlackHole, "unknown"],
    [
      "waiting",
      async () => {
        server.script({ kind: "stall-before-headers" });
        return { url: server.url, close: () => {} };
      },
      "unknown",
    ],
    [
      "reading the body",
      async () => {
        server.script({ kind: "stall-in-body", body: '{"id":"1"}' });
        return { url: server.url, close: () => {} };
      },
      "accepted",
    ],
    [
      "sleeping",
      async () => {
        server.script({ kind: "answer", status: 429, headers: { "retry-after": "30" } });
        return { url: server.url, close: () => {} };
      },
      "not-sent",
    ],
  ])("works while %s, at once, and leaves nothing open", async (_, start, delivery) => {
    const { url, close } = await start();
    const before = server.openSockets;
    const controller = new AbortController();
    let isAborted = false;
    let turns = 0;
    const turn = (): void => {
      if (!isAborted || turns++ > 100) return;
      setImmediate(turn);
    };
    setTimeout(() => {
      isAborted = true;
      controller.abort(reason);
      setImmediate(turn);
    }, 150);
    const timers = activeTimers();
    const error = await failure(keyless({ apiUrl: url }).send(mail, { signal: controller.signal }));
    isAborted = false;
    // Of the event loop.
    expect(turns).toBeLessThan(10);
    expect(error).toMatchObject({ delivery, retryable: false });
    if (delivery !== "accepted") expect(error).toMatchObject({ code: "ABORTED", cause: reason });
    expect(activeTimers()).toBeLessThanOrEqual(timers);
    await new Promise((resolve) => setTimeout(resolve, 20));
    // A kept-alive connection may stay, one that was cut may not.
    expect(server.openSockets).toBeLessThanOrEqual(before + (delivery === "not-sent" ? 1 : 0));
    close();
  });

  it("before anything is sent means not sent", async () => {
    const error = await failure(keyless().send(mail, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: "ABORTED", delivery: "not-sent", cause: reason });
    expect(server.requests).toEqual([]);
  });
});

/** Timers of this process that are not yet due. */
function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
}

describe("rate limits", () => {
  it("are shared by concurrent sends", async () => {
    const clock = steppingClock();
    const backend = keyless({ clock, rateLimit: { requests: 2, per: "second" }, retry: { deadline: 600 } });
    await Promise.all(Array.from({ length: 6 }, () => backend.send(mail)));
    expect(clock.slept).toEqual([500, 1000, 1500, 2000]);
  });

  it("learn from Retry-After and from the provider's headers", async () => {
    const clock = steppingClock();
    const backend = keyless({
      clock,
      rateLimit: { requests: 100, per: "second" },
      retry: { total: 0, deadline: 600 },
    });
    server.script({ kind: "answer", status: 429, headers: { "retry-after": "9" } });
    await failure(backend.send(mail));
    await backend.send(mail);
    expect(clock.slept).toEqual([9000]);
    server.script({
      kind: "answer",
      body: '{"id":"1"}',
      headers: { "ratelimit-remaining": "0", "ratelimit-reset": "4" },
    });
    await backend.send(mail);
    await backend.send(mail);
    expect(clock.slept).toEqual([9000, 4000]);
  });

  it("let those who were held back go one by one, not all at once", async () => {
    const clock = steppingClock();
    const backend = keyless({
      clock,
      rateLimit: { requests: 2, per: "second" },
      retry: { total: 0, deadline: 600 },
    });
    server.script({ kind: "answer", status: 429, headers: { "retry-after": "9" } });
    await failure(backend.send(mail));
    await Promise.all(Array.from({ length: 3 }, () => backend.send(mail)));
    expect(clock.slept).toEqual([9000, 9000, 9500]);
  });

  it("fail at once when they outlast the deadline", async () => {
    const clock = steppingClock();
    const backend = keyless({ clock, rateLimit: { requests: 1, per: "hour" }, retry: { deadline: 60 } });
    await backend.send(mail);
    const error = await failure(backend.send(mail));
    expect(error).toMatchObject({
      code: "RATE_LIMITED",
      delivery: "not-sent",
      retryable: true,
      retryAt: new Date(clock.at + 3_600_000),
    });
    expect(server.requests).toHaveLength(1);
  });

  it("refuse what is no limit", () => {
    expect(() => keyless({ rateLimit: { requests: 0, per: "second" } })).toThrow('"rateLimit"');
  });
});
