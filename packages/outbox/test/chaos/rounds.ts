import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { seededRandom } from "@posthorn/testing/servers";
import { createOutbox, type Outbox } from "../../src/index.js";
import { pgStore } from "../../src/postgres/index.js";
import { sqliteStore } from "../../src/sqlite/index.js";
import type { Executor, Store } from "../../src/store.js";
import { message, POSTGRES_URL, ScriptedBackend, schemaPool, sqliteFile } from "../helpers.js";
import { type CountingProvider, startProvider } from "./provider.js";

/** Whether the long rounds run: `POSTHORN_DEEP=1`. */
export const DEEP: boolean = process.env["POSTHORN_DEEP"] === "1";

/** A store that other processes can reach. */
export interface SharedStore {
  readonly store: Store<never>;
  /** What a worker process needs to reach it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Runs work in a transaction of the caller's. */
  transaction(work: (tx: Executor) => Promise<boolean>): Promise<void>;
}

export async function sharedSqlite(): Promise<SharedStore> {
  const file = sqliteFile();
  const own = sqliteStore(file.open());
  const callers = sqliteStore(file.open());
  return {
    store: own as unknown as Store<never>,
    config: { store: "sqlite", path: file.path },
    async transaction(work) {
      const executor = callers.executor(callers.database);
      callers.database.exec("BEGIN IMMEDIATE");
      const commit = await work(executor);
      callers.database.exec(commit ? "COMMIT" : "ROLLBACK");
    },
  };
}

export async function sharedPostgres(url = POSTGRES_URL): Promise<SharedStore> {
  const { pool, schema } = await schemaPool(4, url, true);
  return {
    store: pgStore(pool as never) as unknown as Store<never>,
    config: { store: "postgres", url, pgOptions: `-c search_path=${schema}` },
    async transaction(work) {
      const client = await pool.connect();
      const ignore = (): void => {};
      client.on("error", ignore);
      let broken = true;
      try {
        await client.query("BEGIN");
        const commit = await work({
          dialect: "postgres",
          query: async (sql, params) => (await client.query(sql, [...params])).rows,
        });
        await client.query(commit ? "COMMIT" : "ROLLBACK");
        broken = false;
      } finally {
        client.off("error", ignore);
        client.release(broken);
      }
    },
  };
}

export interface RoundOptions {
  readonly shared: SharedStore;
  readonly messages: number;
  readonly workers: number;
  /** `kill -9` so often, */
  readonly kills: number;
  /** and stop for longer than the lease so often. */
  readonly stops: number;
  readonly keyed?: boolean;
  readonly mutate?: boolean;
  readonly leaseFor?: number;
  readonly latency?: number;
  readonly faults?: { readonly lost: number; readonly reset: number; readonly busy: number };
  readonly seed?: number;
  /** Milliseconds between faults. */
  readonly every?: number;
  /** More for single workers, by their number. */
  readonly perWorker?: (index: number) => Readonly<Record<string, unknown>>;
  /** Milliseconds after which the round has failed. */
  readonly limit?: number;
  /** More to do while it runs. */
  readonly meanwhile?: (outbox: Outbox<never>) => Promise<void>;
  readonly runtime?: readonly string[];
}

/** What a round came to. */
export interface RoundReport {
  readonly queued: number;
  /** Commits that were not answered and turned out to be done. */
  readonly unsure: number;
  readonly rolledBack: number;
  readonly kills: number;
  readonly stops: number;
  readonly accepted: number;
  readonly unknown: number;
  readonly dead: number;
  /** Messages that the provider took more than once. */
  readonly doubles: number;
  /** Settled as accepted although the provider never had them. */
  readonly invented: number;
  /** In neither table. */
  readonly lost: number;
  /** In the queue although their transaction was rolled back. */
  readonly ghosts: number;
  /** Unknown messages that the provider had taken; settled by its events afterwards. */
  readonly unknownTaken: number;
  /** Unknown after the events, though they were taken. */
  readonly unknownLeft: number;
  readonly provider: CountingProvider;
  readonly milliseconds: number;
  /** What workers printed. */
  readonly output: string;
}

/** Queues messages in transactions, some rolled back, while workers are killed and stopped; then lets the rest be sent and counts. */
export async function round(options: RoundOptions): Promise<RoundReport> {
  const started = performance.now();
  const { shared, keyed = false, leaseFor = 1000, every = 400, limit = 120_000 } = options;
  const random = seededRandom(options.seed ?? 1);
  const provider = await startProvider({
    keyed,
    latency: options.latency ?? 60,
    faults: options.faults ?? { lost: 0.01, reset: 0.01, busy: 0.02 },
    seed: options.seed ?? 1,
  });
  const outbox = createOutbox<never>({
    store: shared.store,
    backends: { default: new ScriptedBackend(keyed ? "Resend" : "Postmark") },
    logger: false,
  });
  await outbox.migrate();
  const committed = new Set<string>();
  const rolledBack = new Set<string>();
  let output = "";
  const children = new Map<number, ChildProcess>();
  let isOver = false;
  const start = (index: number): void => {
    const [command = process.execPath, ...args] = options.runtime ?? [process.execPath];
    const child = spawn(command, [...args, fileURLToPath(new URL("worker.mjs", import.meta.url))], {
      env: {
        ...process.env,
        POSTHORN_CHAOS: JSON.stringify({
          ...shared.config,
          keyed,
          mutate: options.mutate ?? false,
          leaseFor,
          apiUrl: provider.url,
          ...options.perWorker?.(index),
        }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.set(index, child);
    const take = (chunk: Buffer): void => {
      const text = chunk.toString();
      if (text.includes("ready")) ready.add(child);
      if (output.length < 20_000) output += text.replaceAll("ready\n", "");
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    child.on("exit", () => {
      if (!isOver && children.get(index) === child) start(index);
    });
  };
  const ready = new Set<ChildProcess>();
  const deadline = Date.now() + limit;
  const left = async (): Promise<number> => {
    const counts = await outbox.stats();
    return Object.values(counts.backends)
      .flatMap((states) => [states.queued ?? 0, states.deferred ?? 0, states.leased ?? 0])
      .reduce((sum, each) => sum + each, 0);
  };
  let [kills, stops] = [0, 0];
  try {
    for (let index = 0; index < options.workers; index++) start(index);
    const enqueueing = (async () => {
      for (let index = 0; index < options.messages; index++) {
        await retrying(deadline, async () => {
          const commit = random() >= 0.1;
          const prepared = await outbox.prepare(message(`u${index}@example.com`));
          await shared.transaction(async (tx) => {
            await outbox.insert(prepared, tx);
            if (!commit) rolledBack.add(prepared.id);
            return commit;
          });
          // Only what the database has answered: a commit whose answer was lost may be either.
          if (commit) committed.add(prepared.id);
        });
        // As long as faults are to come there is to be something to send.
        while (
          kills + stops < options.kills + options.stops &&
          index > options.messages / 4 &&
          (await backlog(outbox)) > 100
        ) {
          if (Date.now() > deadline) throw new Error("The round takes too long");
          await pause(250);
        }
      }
    })();
    const harassing = (async () => {
      while (kills + stops < options.kills + options.stops) {
        if (Date.now() > deadline)
          throw new Error(`The round takes too long: ${kills} kills, ${stops} stops`);
        await pause(every * (0.5 + random()));
        const alive = [...children.values()].filter((child) => ready.has(child) && child.exitCode === null);
        const victim = alive[Math.floor(random() * alive.length)];
        if (!victim?.pid) continue;
        const isKill = stops >= options.stops || (kills < options.kills && random() < 0.6);
        if (isKill) {
          victim.kill("SIGKILL");
          ready.delete(victim);
          kills++;
        } else {
          victim.kill("SIGSTOP");
          ready.delete(victim);
          stops++;
          setTimeout(() => {
            victim.kill("SIGCONT");
            ready.add(victim);
          }, leaseFor * 2);
        }
      }
    })();
    await Promise.all([enqueueing, harassing, options.meanwhile?.(outbox)]);
    while ((await retrying(deadline, left)) > 0) {
      if (Date.now() > deadline)
        throw new Error(`The round takes too long: ${await left()} left.\n${output}`);
      await pause(100);
    }
    // Those that were stopped come back and settle late.
    await pause(leaseFor * 2);
  } finally {
    isOver = true;
    const over = [...children.values()].map(
      (child) =>
        new Promise<void>((resolve) =>
          child.exitCode === null ? child.on("exit", () => resolve()) : resolve(),
        ),
    );
    for (const child of children.values()) {
      child.kill("SIGCONT");
      child.kill("SIGTERM");
    }
    const timer = setTimeout(() => {
      for (const child of children.values()) child.kill("SIGKILL");
    }, 10_000);
    await Promise.all(over);
    clearTimeout(timer);
    await provider.close();
  }
  const states = new Map<string, string>();
  for (const table of ["message", "settled"]) {
    for (const row of await shared.store.query(
      `SELECT CAST(id AS text) AS id, state FROM posthorn_${table}`,
      [],
    ))
      states.set(String(row["id"]), String(row["state"]));
  }
  const inState = (state: string): string[] =>
    [...states].flatMap(([id, each]) => (each === state ? [id] : []));
  const unknown = inState("unknown");
  const unknownTaken = unknown.filter((id) => provider.taken.has(id));
  for (const id of unknownTaken) await outbox.onEvent(eventOf(id) as never);
  let unknownLeft = 0;
  for (const id of unknownTaken) if ((await outbox.status(id))?.state !== "accepted") unknownLeft++;
  return {
    queued: committed.size,
    unsure: [...states.keys()].filter((id) => !committed.has(id)).length,
    rolledBack: rolledBack.size,
    kills,
    stops,
    accepted: inState("accepted").length,
    unknown: unknown.length,
    dead: inState("dead").length,
    doubles: [...provider.taken.values()].filter((count) => count > 1).length,
    invented: inState("accepted").filter((id) => !provider.taken.has(id)).length,
    lost: [...committed].filter((id) => !states.has(id)).length,
    ghosts: [...rolledBack].filter((id) => states.has(id)).length,
    unknownTaken: unknownTaken.length,
    unknownLeft,
    provider,
    milliseconds: Math.round(performance.now() - started),
    output,
  };
}

/** One line with the counts. */
export function summary(name: string, report: RoundReport): string {
  const { queued, kills, stops, accepted, unknown, dead, doubles, lost, unknownTaken, milliseconds } = report;
  return `${name}: ${queued} queued, ${kills} kills, ${stops} stops → ${accepted} accepted, ${unknown} unknown (${unknownTaken} taken, settled by events), ${dead} dead, ${lost} lost, ${doubles} twice, ${report.provider.copies} copies dropped by key; ${(milliseconds / 1000).toFixed(1)} s`;
}

async function backlog(outbox: Outbox<never>): Promise<number> {
  const { backends } = await outbox.stats();
  return backends["default"]?.queued ?? 0;
}

/** Tries again while the database is away. */
async function retrying<T>(deadline: number, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(100);
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function eventOf(id: string): object {
  return {
    esp: "Postmark",
    provider: "Postmark",
    eventType: "delivered",
    eventId: `e-${id}`,
    messageId: id,
    recipient: "ada@example.com",
    timestamp: new Date(),
    rejectReason: null,
    description: null,
    mtaResponse: null,
    tags: [],
    metadata: { posthorn_id: id },
    clickUrl: null,
    userAgent: null,
    raw: null,
  };
}
