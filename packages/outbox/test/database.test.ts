import pg from "pg";
import { describe, expect, it } from "vitest";
import { createOutbox } from "../src/index.js";
import { pgStore } from "../src/postgres/index.js";
import { POSTGRES_BIN, startCluster } from "./chaos/cluster.js";
import { startProxy } from "./chaos/proxy.js";
import { DEEP, pause, round, sharedPostgres, sharedSqlite, summary } from "./chaos/rounds.js";
import { beds, cleanup, message, POSTGRES_URL, ScriptedBackend, schemaPool } from "./helpers.js";

const hasServer = beds.some(({ name }) => name === "postgres");
if (!POSTGRES_BIN) console.warn("No initdb: the tests that restart a database are skipped");

describe.runIf(POSTGRES_BIN !== undefined)("a database that is restarted under load", () => {
  const restarts = DEEP ? 10 : 2;

  it(`loses and doubles nothing over ${restarts} restarts`, { timeout: 240_000 }, async () => {
    const cluster = await startCluster();
    let done = 0;
    const report = await round({
      shared: await sharedPostgres(cluster.url),
      messages: DEEP ? 4000 : 100,
      workers: DEEP ? 4 : 2,
      kills: DEEP ? 10 : 0,
      stops: 0,
      limit: 220_000,
      meanwhile: async () => {
        for (; done < restarts; done++) {
          await pause(DEEP ? 3000 : 1200);
          cluster.restart();
        }
      },
    });
    console.log(summary(`${done} restarts`, report));
    const { doubles, invented, lost: gone, ghosts, dead, unknownLeft } = report;
    expect({ doubles, invented, gone, dead, unknownLeft }, report.output).toEqual({
      doubles: 0,
      invented: 0,
      gone: 0,
      dead: 0,
      unknownLeft: 0,
    });
    // A commit whose answer was lost is no rollback, but here rollbacks are the caller's own.
    expect(ghosts).toBe(0);
  });
});

describe.runIf(hasServer)("a network that is cut", () => {
  it("sends each message once, whatever statement went unanswered", { timeout: 240_000 }, async () => {
    const { schema } = await schemaPool();
    const proxy = await startProxy(Number(new URL(POSTGRES_URL).port || 5432), 40);
    const url = new URL(POSTGRES_URL);
    url.hostname = "127.0.0.1";
    url.port = String(proxy.port);
    const pool = new pg.Pool({ connectionString: url.href, options: `-c search_path=${schema}`, max: 4 });
    pool.on("error", () => {});
    cleanup(async () => {
      await pool.end();
      await proxy.close();
    });
    const backend = new ScriptedBackend();
    const outbox = createOutbox({
      store: { ...pgStore(pool as never), pollEvery: 20 },
      backends: { default: backend },
      logger: false,
    });
    const stubborn = async <T>(work: () => Promise<T>): Promise<T> => {
      for (let tries = 0; ; tries++) {
        try {
          return await work();
        } catch (error) {
          if (tries > 50) throw error;
          await pause(10);
        }
      }
    };
    await stubborn(() => outbox.migrate());
    const worker = outbox.worker({ leaseFor: 5000, concurrency: 8 }).on("error", () => {});
    const running = worker.run();
    const ids = new Set<string>();
    const total = DEEP ? 1500 : 100;
    for (let index = 0; index < total; index++) {
      // Prepared once: its id makes each further try of the insert the same message.
      const prepared = await outbox.prepare(message(`u${index}@example.com`));
      for (let tries = 0; ; tries++) {
        try {
          await outbox.insert(prepared);
          break;
        } catch (error) {
          // It may have been committed, and even sent: the caller asks before it inserts again.
          if (tries > 50) throw error;
          if (await stubborn(() => outbox.status(prepared.id))) break;
        }
      }
      ids.add(prepared.id);
    }
    const left = async (): Promise<number> => {
      const { backends } = await stubborn(() => outbox.stats());
      const { queued = 0, deferred = 0, leased = 0 } = backends["default"] ?? {};
      return queued + deferred + leased;
    };
    await expect.poll(left, { timeout: 120_000, interval: 100 }).toBe(0);
    proxy.calm();
    await worker.stop();
    await running;
    const sent = backend.sent.map((each) => String(each.metadata?.["posthorn_id"]));
    console.log(`${proxy.cuts} connections cut: ${sent.length} sent of ${ids.size}`);
    expect(proxy.cuts).toBeGreaterThan(3);
    expect(sent.length).toBe(new Set(sent).size);
    expect(new Set(sent)).toEqual(ids);
    const rows = await outbox.store.query(
      "SELECT state, count(*)::int AS n FROM posthorn_settled GROUP BY state",
      [],
    );
    expect(rows).toEqual([{ state: "accepted", n: total }]);
  });
});

describe.each(beds)("clocks that disagree, on $name", (bed) => {
  const now =
    bed.name === "postgres"
      ? "(now() + (SELECT ms FROM clock_shift) * interval '1 millisecond')"
      : "(CAST(unixepoch('subsec') * 1000 AS INTEGER) + (SELECT ms FROM clock_shift))";
  const HOUR = 3_600_000;

  it("takes no living worker for dead and sends nothing early or twice when clocks jump by an hour", async () => {
    const store = await bed.open({ now });
    await store.query(
      "CREATE TABLE clock_shift (ms bigint)".replace(
        "bigint",
        bed.name === "postgres" ? "bigint" : "INTEGER",
      ),
      [],
    );
    await store.query("INSERT INTO clock_shift VALUES (0)", []);
    const backend = new ScriptedBackend("Fake", { idempotencyWindow: 48 * HOUR });
    const clockOf = (skew: number) => ({
      now: () => Date.now() + skew,
      monotonic: () => performance.now(),
      setTimer(callback: () => void, ms: number) {
        const id = setTimeout(callback, ms);
        return () => clearTimeout(id);
      },
      random: Math.random,
    });
    const make = (skew: number) =>
      createOutbox({
        store,
        backends: { default: backend },
        logger: false,
        clock: clockOf(skew),
        maxAge: "10d",
      });
    const [early, late] = [make(-HOUR), make(HOUR)];
    await early.migrate();
    let reaped = 0;
    const workers = [early, late].map((outbox) =>
      outbox
        .worker({ leaseFor: 600, concurrency: 2 })
        .on("fenced", () => reaped++)
        .on("unknown", () => reaped++),
    );
    const slow = async (given: Parameters<ScriptedBackend["accepted"]>[0]) => {
      await pause(700);
      return backend.accepted(given);
    };
    backend.steps.push(...Array.from({ length: 6 }, () => slow));
    const running = workers.map((worker) => worker.run());
    for (let index = 0; index < 6; index++) await (index % 2 ? early : late).enqueue(message());
    const scheduled = await early.enqueue(message("later@example.com"), { delay: "90m" });
    const wait = async (ms: number): Promise<void> => {
      await store.query(
        bed.name === "postgres"
          ? "UPDATE clock_shift SET ms = $1::float8"
          : "UPDATE clock_shift SET ms = CAST($1 AS INTEGER)",
        [ms],
      );
      await pause(400);
    };
    await wait(HOUR);
    await wait(-HOUR);
    await wait(HOUR);
    await expect
      .poll(() => workers.reduce((sum, { counts }) => sum + counts.accepted, 0), { timeout: 15_000 })
      .toBe(6);
    // An hour is not ninety minutes; two are.
    expect((await early.status(scheduled.id))?.state).toBe("queued");
    await wait(2 * HOUR);
    await expect
      .poll(() => early.status(scheduled.id).then((status) => status?.state), { timeout: 15_000 })
      .toBe("accepted");
    await Promise.all(workers.map((worker) => worker.stop()));
    await Promise.all(running);
    expect(backend.sent).toHaveLength(7);
    expect(reaped).toBe(0);
  });
});

describe.each(beds)("poison, on $name", (bed) => {
  it("buries what cannot be read and goes on with its neighbours", async () => {
    const backend = new ScriptedBackend();
    const store = await bed.open();
    const plain = createOutbox({ store, backends: { default: backend }, logger: false });
    await plain.migrate();
    const ids: string[] = [];
    for (let index = 0; index < 6; index++)
      ids.push((await plain.enqueue(message(`u${index}@example.com`))).id);
    const body = bed.name === "postgres" ? "'\\x7b22'::bytea" : "x'7b22'";
    await store.query(
      `UPDATE posthorn_payload SET body = ${body} WHERE message_id = $1${bed.name === "postgres" ? "::text::uuid" : ""}`,
      [String(ids[0])],
    );
    await store.query(
      `UPDATE posthorn_payload SET codec = 'gone' WHERE message_id = $1${bed.name === "postgres" ? "::text::uuid" : ""}`,
      [String(ids[1])],
    );
    await store.query(
      `DELETE FROM posthorn_payload WHERE message_id = $1${bed.name === "postgres" ? "::text::uuid" : ""}`,
      [String(ids[2])],
    );
    const large = { filename: "large.bin", content: new Uint8Array(DEEP ? 20e6 : 2e6).fill(9) };
    ids.push((await plain.enqueue(message("big@example.com", { attachments: [large] }))).id);
    expect(await plain.drain()).toMatchObject({ dead: 3, accepted: 4 });
    expect(backend.sent).toHaveLength(4);
    for (const id of ids.slice(0, 3)) expect((await plain.status(id))?.reason).toContain("cannot be read");
  });

  it("holds a message that kills its process, and sends its neighbours", { timeout: 60_000 }, async () => {
    const shared = bed.name === "postgres" ? await sharedPostgres() : await sharedSqlite();
    const report = await round({
      shared,
      messages: 30,
      workers: 2,
      kills: 0,
      stops: 0,
      faults: { lost: 0, reset: 0, busy: 0 },
      latency: 5,
      perWorker: () => ({ poison: "u5@example.com" }),
    });
    expect(report.queued).toBe(report.accepted + report.unknown);
    // Those that were under way in the same process are uncertain with it.
    expect(report.unknown).toBeLessThan(20);
    expect(report.doubles).toBe(0);
    expect([...report.provider.requests.values()].every((count) => count === 1)).toBe(true);
  });
});

describe.each(beds)("several workers, on $name", (bed) => {
  const total = DEEP ? 20_000 : 400;

  it(`send ${total} messages once each, high priority first, within the shared limit`, {
    timeout: 300_000,
  }, async () => {
    const limit = { requests: DEEP ? 400 : 200, per: "second" } as const;
    const store = await bed.open();
    const times: number[] = [];
    const backend = new ScriptedBackend();
    backend.send = async (given) => {
      times.push(performance.now());
      backend.sent.push(given);
      await pause(5);
      return backend.accepted(given);
    };
    // SQLite has one worker process; within it, workers take turns.
    const outboxes = Array.from({ length: bed.name === "postgres" ? 8 : 2 }, () =>
      createOutbox({ store, backends: { default: backend }, limits: { default: limit }, logger: false }),
    );
    const [first] = outboxes;
    await first?.migrate();
    const high = total / 10;
    await first?.enqueueMany(
      Array.from({ length: total - high }, (_, index) => message(`u${index}@example.com`)),
    );
    await first?.enqueueMany(
      Array.from({ length: high }, (_, index) => message(`h${index}@example.com`)),
      { priority: "high" },
    );
    const workers = outboxes.map((outbox) => outbox.worker({ concurrency: 8 }));
    const running = workers.map((worker) => worker.run());
    const accepted = (): number => workers.reduce((sum, { counts }) => sum + counts.accepted, 0);
    await expect.poll(accepted, { timeout: 280_000, interval: 50 }).toBe(total);
    await Promise.all(workers.map((worker) => worker.stop()));
    await Promise.all(running);
    const ids = backend.sent.map((sent) => sent.metadata?.["posthorn_id"]);
    expect(new Set(ids).size).toBe(total);
    expect(ids).toHaveLength(total);
    // What was under way when the last high one came up is all that may stand before it.
    const lastHigh = backend.sent.findLastIndex((sent) => String(sent.to?.[0]).startsWith("h"));
    expect(lastHigh).toBeLessThan(high + 8 * workers.length + limit.requests / 10);
    // Permits are what the limit binds; a send leaves some milliseconds after its permit, later still on a busy machine.
    const busiest = Math.max(
      ...times.map(
        (time, index) =>
          times.slice(index, index + 2 * limit.requests).filter((each) => each < time + 1000).length,
      ),
    );
    console.log(
      `${bed.name}: ${total} sent by ${workers.length} workers, at most ${busiest} in a second (limit ${limit.requests})`,
    );
    expect(busiest).toBeLessThanOrEqual(limit.requests + 8 * workers.length);
  });
});
