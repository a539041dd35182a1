import { inspect } from "node:util";
import {
  type BackendOptions,
  ConfigurationError,
  type DryRunRequest,
  failover,
  InvalidMessageError,
  type PosthornError,
  roundRobin,
  UnsupportedFeatureError,
  weighted,
} from "@posthorn/core";
import { ALL_FEATURES, chunkBySize, headerSafeKey, jsonSize } from "@posthorn/core/provider";
import { memory } from "@posthorn/testing";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { features } from "./features.js";
import { message, testBackend } from "./test-backend.js";

const apiKey = "made-up-secret-key";
let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const { make } = testBackend();
const create = (options: BackendOptions<typeof features> = {}) =>
  make({ apiKey, apiUrl: server.url, retry: false, ...options });
const failure = async (promise: Promise<unknown>): Promise<PosthornError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  return error as PosthornError;
};
const bodies = (): Record<string, unknown>[] =>
  server.requests.map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);

describe("options", () => {
  it("a missing key is reported at first use, and by ready()", async () => {
    const backend = make();
    const expected = 'Test: option "apiKey" is required: pass it or set POSTHORN_TEST_API_KEY';
    for (const use of [() => backend.ready(), () => backend.send(message), () => backend.dryRun(message)]) {
      await expect(use()).rejects.toThrow(expected);
      await expect(use()).rejects.toThrow(ConfigurationError);
    }
    await expect(failover([create(), backend]).ready()).rejects.toThrow(expected);
    await expect(create().ready()).resolves.toBeUndefined();
  });

  it("a key that the environment gets later is found", async () => {
    const backend = make({ apiUrl: server.url });
    process.env["POSTHORN_TEST_API_KEY"] = apiKey;
    try {
      await backend.ready();
    } finally {
      delete process.env["POSTHORN_TEST_API_KEY"];
    }
    await backend.send(message);
    expect(server.requests[0]?.headers["authorization"]).toBe(`Bearer ${apiKey}`);
    expect(JSON.stringify(await backend.dryRun(message))).not.toContain(apiKey);
  });

  it.each([
    ["key\u200b", "U+200B"],
    ["key\n", "white space"],
    [" key", "white space"],
    ["“key”", "U+201C"],
    ["k\0ey", "U+0000"],
  ])("a key that no header can hold: %j", (key, why) => {
    expect(() => make({ apiKey: key })).toThrow(ConfigurationError);
    expect(() => make({ apiKey: key })).toThrow(why);
  });

  it.each([
    [{ retries: 3 }, 'Did you mean "retry"?'],
    [{ baseUrl: "x" }, 'Did you mean "apiUrl"?'],
    [{ batch: "one" }, 'must be one of "auto", "native"'],
    [{ nonsense: 1 }, "Valid options:"],
  ])("%j", (options, why) => {
    expect(() => make(options as never)).toThrow(why);
  });

  it("keys show in no printed backend or pool", () => {
    const backend = create();
    for (const value of [backend, failover([backend]), { nested: [backend] }]) {
      const text = inspect(value, { depth: 12, showHidden: true, getters: false }) + JSON.stringify(value);
      expect(text).not.toContain(apiKey);
    }
  });

  it("works behind a proxy and as a prototype", async () => {
    const backend = create();
    const derived = Object.create(backend, { provider: { value: "Derived" } }) as typeof backend;
    for (const one of [derived, new Proxy(backend, {})]) await one.send(message);
    expect(server.requests).toHaveLength(2);
    expect(await derived.dryRun(message)).toHaveLength(1);
  });

  it("keys show in no dry run, however large its body", async () => {
    const attachments = [{ filename: "a.bin", content: new Uint8Array(300_000) }];
    const [shown] = (await create().dryRun({ ...message, attachments })) as [DryRunRequest];
    const text = await (shown.body as Blob).text();
    expect(text).not.toContain(apiKey);
    expect(text.length).toBeGreaterThan(400_000);
    expect(JSON.parse(text)).toMatchObject({ key: "[redacted]" });
    const revealed = await create().dryRun({ ...message, attachments }, { revealSecrets: true });
    expect(await new Response(revealed[0]?.body).text()).toContain(apiKey);
  });

  it("what is no pool is an error that says what is one", () => {
    const backend = create();
    for (const wrong of [
      () => failover(backend as never, backend as never),
      () => roundRobin([] as never),
      () => failover([{}] as never),
      () => weighted([backend] as never),
      () => failover([backend], backend as never),
    ]) {
      expect(wrong).toThrow(ConfigurationError);
    }
    expect(() => failover(backend as never, backend as never)).toThrow("failover([first, second])");
  });
});

describe("hooks", () => {
  it("what preSend throws is not sent, and says so", async () => {
    const cause = new Error("no messages on Sundays");
    const error = await failure(
      create({
        preSend: () => {
          throw cause;
        },
      }).send(message),
    );
    expect(error).toMatchObject({ name: "PosthornError", code: "HOOK_FAILED", delivery: "not-sent", cause });
    expect(error.message).toContain("no messages on Sundays");
  });

  it("a member that would drop what preSend adds is passed over", async () => {
    const preSend = <M extends object>(given: M): M => ({ ...given, trackClicks: true });
    const dropping = create({ unsupported: "drop", preSend });
    const all = memory();
    const result = await failover([dropping, all]).send(message);
    expect(result.route.map(({ outcome }) => outcome)).toEqual(["unsupported", "accepted"]);
    expect(server.requests).toEqual([]);
    await dropping.send(message);
    expect(server.requests).toHaveLength(1);
  });

  it("dryRun runs them unless told not to, tells them, and says so", async () => {
    const seen: boolean[] = [];
    const backend = create({
      preSend: (given, { dryRun }) => {
        seen.push(dryRun);
        return { ...given, subject: "changed" };
      },
    });
    const subject = async (options = {}): Promise<unknown> => {
      const [request] = (await backend.dryRun(message, options)) as [DryRunRequest];
      return [(request.payload as { json: { subject: string } }).json.subject, request.hooksRan];
    };
    expect(await subject()).toEqual(["changed", true]);
    expect(await subject({ hooks: false })).toEqual(["S", false]);
    await backend.send(message);
    expect(seen).toEqual([true, false]);
  });
});

describe("options of one send", () => {
  it("retry", async () => {
    server.script({ kind: "answer", status: 429 });
    await create().send(message, { retry: { total: 1, backoffFactor: 0 } });
    expect(server.requests).toHaveLength(2);
  });

  it("onRequest ends the send before the request", async () => {
    let calls = 0;
    const error = await failure(
      create().send(message, {
        onRequest: () => {
          calls++;
          throw new Error("lost the lease");
        },
      }),
    );
    expect([calls, error.delivery, server.requests.length]).toEqual([1, "not-sent", 0]);
    server.script({ kind: "answer", status: 429 });
    let left = 1;
    const second = await failure(
      create().send(message, {
        retry: { total: 1, backoffFactor: 0 },
        onRequest: () => {
          if (left-- === 0) throw new Error("lost the lease");
        },
      }),
    );
    expect(second).toMatchObject({ delivery: "not-sent", code: "HOOK_FAILED" });
    expect(second.attempts).toHaveLength(1);
  });

  it("trackingId goes into the metadata, a tag, or nowhere", async () => {
    await create().send(message, { trackingId: "id" });
    expect(bodies()[0]).toMatchObject({ metadata: { posthorn_id: "id" }, tags: [] });
    const tagged = make(
      { apiKey, apiUrl: server.url },
      { features: { ...features, metadata: false } as never },
    );
    await tagged.send({ ...message, tags: "t" }, { trackingId: "id" });
    expect(bodies()[1]).toMatchObject({ tags: ["t", "posthorn:id"] });
    const bare = make(
      { apiKey, apiUrl: server.url },
      { features: { ...features, metadata: false, tags: false } as never },
    );
    await bare.send(message, { trackingId: "id" });
    expect(bodies()[2]?.["metadata"]).toBeUndefined();
  });

  it("idempotencyKey is the message's where the provider takes keys, and ignored elsewhere", async () => {
    await create().send(message, { idempotencyKey: "k" });
    const info = { features: { ...features, idempotencyKey: true } as never, idempotencyWindow: 1000 };
    const keyed = make({ apiKey, apiUrl: server.url }, info);
    expect((await keyed.send(message, { idempotencyKey: "k" })).idempotencyKey).toBe("k");
    expect(
      (await keyed.send({ ...message, idempotencyKey: "own" } as never, { idempotencyKey: "k" }))
        .idempotencyKey,
    ).toBe("own");
    expect(bodies().map((body) => body["idempotencyKey"])).toEqual([undefined, "k", "own"]);
    expect([create().idempotencyWindow, keyed.idempotencyWindow]).toEqual([undefined, 1000]);
  });

  it("only asks one member of a pool", async () => {
    const a = memory();
    const pool = failover([create(), a]);
    const result = await pool.send(message, { only: "Memory" });
    expect([result.provider, server.requests.length]).toEqual(["Memory", 0]);
    await expect(pool.send(message, { only: "Nobody" })).rejects.toThrow(
      '"only" must be a provider of the pool',
    );
    expect(pool.backends).toHaveLength(2);
  });

  it("a signal ends hooks and streams that never end", async () => {
    const never = new ReadableStream({ pull: () => new Promise(() => {}) });
    for (const [options, fields] of [
      [{}, { attachments: [{ filename: "a", content: never }] }],
      [{ preSend: () => new Promise<never>(() => {}) }, {}],
    ] as const) {
      const error = await failure(
        create(options).send({ ...message, ...fields }, { signal: AbortSignal.timeout(20) }),
      );
      expect(error).toMatchObject({ code: "ABORTED", delivery: "not-sent", name: "TransportError" });
    }
  });

  it("sendMany of one message is an error that says what to write", async () => {
    const run = async (): Promise<void> => {
      for await (const _ of create().sendMany(message as never));
    };
    await expect(run()).rejects.toThrow(InvalidMessageError);
    await expect(run()).rejects.toThrow("sendMany([message])");
  });
});

describe("responses", () => {
  it("a page's title stands for it", async () => {
    const page =
      "<!DOCTYPE html><html><head><style>body { color: red }</style><title>502 Bad\n Gateway</title></head></html>";
    server.script({ kind: "answer", status: 502, body: page });
    const { message: text } = await failure(create().send(message));
    expect(text).toBe('Test answered 502: an HTML page, "502 Bad Gateway"');
  });

  it("a request of which every recipient failed is an error, with the reason", async () => {
    const reason = { code: 300, message: "Invalid metadata", retryable: false };
    const { make: failing } = testBackend(undefined, (response) =>
      response.everyRecipient({ status: "failed", messageId: null, reason }),
    );
    for (const ignoreRecipientStatus of [false, true]) {
      const error = await failure(
        failing({ apiKey, apiUrl: server.url, ignoreRecipientStatus }).send(message),
      );
      expect(error).toMatchObject({ name: "ApiError", code: 300, delivery: "not-sent", retryable: false });
      expect(error.message).toContain("Invalid metadata");
    }
  });

  it("is retryable when all of its reasons are", async () => {
    const { make: failing } = testBackend(undefined, (response) =>
      response.everyRecipient({
        status: "failed",
        messageId: null,
        reason: { message: "slow", retryable: true },
      }),
    );
    const error = await failure(failing({ apiKey, apiUrl: server.url }).send(message));
    expect(error).toMatchObject({ delivery: "not-sent", retryable: true });
  });
});

describe("batches", () => {
  const info = { splitsBatch: () => true };
  const batch = {
    ...message,
    to: ["b@example.com", "c@example.com", "d@example.com"],
    metadata: { all: 1 },
    mergeMetadata: { "c@example.com": { own: 2 } },
  };

  it("have a request for each recipient where the provider has none that fits", async () => {
    const result = await make({ apiKey, apiUrl: server.url }, info).send(batch);
    expect(Object.keys(result.recipients)).toEqual(batch.to);
    expect(
      bodies()
        .map(({ to, metadata }) => [to, metadata])
        .sort(),
    ).toEqual([
      [["b@example.com"], { all: 1 }],
      [["c@example.com"], { all: 1, own: 2 }],
      [["d@example.com"], { all: 1 }],
    ]);
  });

  it("have results put together, with the reason of each that failed", async () => {
    server.decide((_, index) => ({
      kind: "answer",
      status: index === 1 ? 400 : 200,
      body: '{"message":"bad"}',
    }));
    const result = await make({ apiKey, apiUrl: server.url, retry: false }, info).send(batch);
    expect(result.status).toBe("mixed");
    const failed = Object.values(result.recipients).filter(({ status }) => status === "failed");
    expect(failed).toHaveLength(1);
    expect(failed[0]?.reason?.message).toContain("bad");
  });

  it("have a key of their own for each recipient, which depends on the batch's alone", async () => {
    const keyed = { ...info, features: { ...features, idempotencyKey: true } as never };
    const send = (): Promise<unknown> =>
      make({ apiKey, apiUrl: server.url }, keyed).send({ ...batch, idempotencyKey: "k" } as never);
    await send();
    await send();
    const keys = bodies().map((body) => String(body["idempotencyKey"]));
    expect(new Set(keys).size).toBe(3);
    expect([...keys.slice(0, 3)].sort()).toEqual([...keys.slice(3)].sort());
  });

  it('are refused by batch: "native"', async () => {
    const error = await failure(make({ apiKey, apiUrl: server.url, batch: "native" }, info).send(batch));
    expect(error).toBeInstanceOf(UnsupportedFeatureError);
    expect(error).toMatchObject({ field: "mergeMetadata" });
    expect(server.requests).toEqual([]);
  });

  it("are cut by bytes as well as by count", () => {
    const sizes = (list: readonly (readonly number[])[]): number[] => list.map((piece) => piece.length);
    const cut = (list: number[]): number[] =>
      sizes(chunkBySize(list, { count: 3, bytes: 10 }, (size) => size));
    expect(cut([1, 1, 1, 1])).toEqual([3, 1]);
    expect(cut([6, 6, 4, 1])).toEqual([1, 2, 1]);
    expect(cut([20, 1])).toEqual([1, 1]);
    expect(cut([])).toEqual([0]);
    expect(jsonSize({ a: "é" })).toBe(Buffer.byteLength('{"a":"é"}'));
  });
});

describe("headerSafeKey", () => {
  it("keeps what a header can hold, and makes a UUID of the rest", async () => {
    expect(await headerSafeKey("order-17")).toBe("order-17");
    expect(await headerSafeKey("order 17 é")).toBe("order 17 é");
    for (const key of ["注文-17", " k", "k\u200b", "x".repeat(257)]) {
      const safe = await headerSafeKey(key);
      expect(safe).toMatch(/^[0-9a-f-]{36}$/);
      expect(await headerSafeKey(key)).toBe(safe);
    }
  });
});

describe("memory", () => {
  it("behaves as the backend that it is like", async () => {
    const backend = memory({ like: features });
    await expect(backend.send({ ...message, trackClicks: true } as never)).rejects.toThrow(
      UnsupportedFeatureError,
    );
    expect(backend.features).toBe(features);
    expect(memory().features).toBe(ALL_FEATURES);
  });

  it("has hooks, defaults, dry runs, aborts and options", async () => {
    const outcomes: string[] = [];
    const backend = memory({
      sendDefaults: { tags: ["default"] },
      preSend: (given) => (given.subject === "no" ? false : { ...given, subject: `${given.subject}!` }),
      postSend: (outcome) =>
        void outcomes.push("result" in outcome ? outcome.result.status : outcome.error.name),
    });
    await backend.send({ ...message, tags: ["own"] });
    expect(backend.outbox[0]?.message).toMatchObject({ subject: "S!", tags: ["default", "own"] });
    expect((await backend.send({ ...message, subject: "no" })).status).toBe("cancelled");
    expect(await backend.dryRun(message)).toEqual([]);
    await expect(backend.send({ ...message, to: "nobody" })).rejects.toThrow('has no "@"');
    const aborted = await failure(backend.send(message, { signal: AbortSignal.abort(new Error("enough")) }));
    expect(aborted).toMatchObject({ code: "ABORTED", delivery: "not-sent" });
    expect(outcomes.slice(0, 2)).toEqual(["sent", "InvalidAddressError"]);
    expect(() => memory({ lik: features } as never)).toThrow('Did you mean "like"?');
    expect(backend.outbox).toHaveLength(1);
  });
});
