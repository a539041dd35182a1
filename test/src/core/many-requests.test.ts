import { type Clock, PosthornError, type SendResult } from "@posthorn/core";
import type { NormalizedMessage, ProviderRequest } from "@posthorn/core/provider";
import { type FaultServer, refusedUrl, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { BareBackend } from "../faults/keyed-backend.js";

/** One request for each recipient, as a batch beyond the provider's limit has. */
class Split extends BareBackend {
  protected override buildRequests(message: NormalizedMessage): readonly ProviderRequest[] {
    return message.to.map((address, index) => ({
      path: `send/${index}`,
      body: { json: { to: address.email } },
      recipients: [address],
    }));
  }
}

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer({ respond: () => ({ kind: "answer", body: '{"id":"1"}' }) });
});
afterEach(() => server.reset());
afterAll(() => server.close());

type Options = ConstructorParameters<typeof BareBackend>[1];
const to = Array.from({ length: 10 }, (_, index) => `r${index}@example.org`);
const message = { from: "a@example.com", to, subject: "S" };
const split = (options: Options = {}): Split =>
  new Split(false, { apiUrl: server.url, retry: { total: 0 }, ...options });
const failure = async (promise: Promise<SendResult>): Promise<PosthornError> => {
  const outcome = await promise.catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(PosthornError);
  return outcome as PosthornError;
};

/** A clock that stands still until the test lets all its timers pass. */
function manualClock(): Clock & { at: number; passAll(): void } {
  const timers = new Set<{ ms: number; callback: () => void }>();
  const clock = {
    at: 1_700_000_000_000,
    now: () => clock.at,
    random: () => 0,
    setTimer: (callback: () => void, ms: number) => {
      const timer = { callback, ms };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    passAll: () => {
      const due = [...timers];
      timers.clear();
      clock.at += Math.max(...due.map(({ ms }) => ms));
      for (const { callback } of due) callback();
    },
  };
  return clock;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("several requests of one message", () => {
  it("go side by side, four at most, after the first; their results are in order", async () => {
    let running = 0;
    let most = 0;
    const result = await split({
      fetch: async (url, init) => {
        running++;
        most = Math.max(most, running);
        // The later ones are answered first.
        const index = Number(new URL(url).pathname.split("/").pop());
        await new Promise((resolve) => setTimeout(resolve, index === 0 ? 1 : 40 - index * 4));
        await (await fetch(url, init)).text();
        running--;
        return Response.json({ id: `m${index}` });
      },
    }).send(message);
    expect(most).toBe(4);
    expect(result.responses).toEqual(to.map((_, index) => ({ id: `m${index}` })));
    expect(Object.keys(result.recipients)).toEqual(to);
  });

  it.each([401, 403])("stop after a %i, of which there is one", async (status) => {
    server.decide(() => ({ kind: "answer", status }));
    expect(await failure(split().send(message))).toMatchObject({ status, delivery: "not-sent" });
    expect(server.requests).toHaveLength(1);
  });

  it("stop when no connection can be made", async () => {
    const error = await failure(split({ apiUrl: await refusedUrl() }).send(message));
    expect(error).toMatchObject({ phase: "connect", delivery: "not-sent", attempts: [{}] });
  });

  it("go on after a refusal that concerns one of them", async () => {
    server.decide(({ path }) => (path === "/send/3" ? { kind: "answer", status: 400 } : undefined));
    const result = await split().send(message);
    expect(server.requests).toHaveLength(10);
    expect(result.errors).toHaveLength(1);
    expect(result.recipients["r3@example.org"]).toMatchObject({ status: "failed" });
    expect(result.recipients["r9@example.org"]).toMatchObject({ status: "queued" });
  });

  it("that were not begun when the caller aborts are proven unsent", async () => {
    const controller = new AbortController();
    server.decide((_, index) => {
      if (index === 0) return undefined;
      if (index === 4) setImmediate(() => controller.abort());
      return { kind: "stall-before-headers" };
    });
    const result = await split().send(message, { signal: controller.signal });
    expect(to.map((address) => result.recipients[address]?.status)).toEqual([
      "queued",
      ...Array.from({ length: 4 }, () => "unknown"),
      ...Array.from({ length: 5 }, () => "failed"),
    ]);
    expect(server.requests).toHaveLength(5);
  });

  it("have one deadline", async () => {
    const clock = manualClock();
    const before = clock.at;
    server.decide(() => ({ kind: "stall-before-headers" }));
    const sending = failure(
      split({ clock, timeout: 30_000, retry: { total: 0, deadline: 50 } }).send(message),
    );
    await until(() => server.requests.length === 1);
    clock.passAll();
    await until(() => server.requests.length === 5);
    clock.passAll();
    expect(await sending).toMatchObject({ delivery: "unknown" });
    expect(clock.at - before).toBe(50_000);
    expect(server.requests).toHaveLength(5);
  });
});

describe("the deadline", () => {
  const never = (): Promise<never> => new Promise(() => {});

  it.each<[string, Options, object]>([
    ["a hook", { preSend: never }, {}],
    ["an attachment", {}, { attachments: [{ filename: "a", content: new ReadableStream({ pull: never }) }] }],
  ])("ends waiting for %s", async (_, options, fields) => {
    const clock = manualClock();
    const sending = failure(split({ clock, ...options }).send({ ...message, ...fields }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.passAll();
    expect(await sending).toMatchObject({ code: "DEADLINE", delivery: "not-sent" });
    expect(server.requests).toEqual([]);
  });
});
