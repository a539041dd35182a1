// The outbox on this machine's disk and database: node bench/outbox.mjs [--quick] [--backlog 1000000]. It needs the packages built, and
// for PostgreSQL a server (POSTHORN_TEST_POSTGRES, a schema of its own). Figures are for ratios: they hang on the disk's fsync.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = new URL("../packages/outbox/", import.meta.url);
const require = createRequire(new URL("package.json", root));
const load = (path) => import(new URL(path, root).href);
const { createOutbox } = await load("dist/index.js");
const { openSqlite, sqliteStore } = await load("dist/sqlite.js");
const { pgStore } = await load("dist/postgres.js");

const quick = process.argv.includes("--quick");
const backlogAt = process.argv.indexOf("--backlog");
const backlog = backlogAt < 0 ? (quick ? 20_000 : 1_000_000) : Number(process.argv[backlogAt + 1]);
const url = process.env.POSTHORN_TEST_POSTGRES ?? "postgres://postgres@127.0.0.1:5432/postgres";

/** A backend that accepts at once: what is measured is the queue. */
const instant = {
  provider: "Instant",
  features: { idempotencyKey: false, metadata: true, tags: true },
  send: async (message) => ({
    provider: "Instant",
    status: "queued",
    messageId: "1",
    recipients: { [message.to[0]]: { status: "queued", messageId: "1" } },
    attempts: [],
    responses: [],
    errors: [],
    idempotencyKey: undefined,
  }),
};
const message = (index) => ({
  from: "shop@example.com",
  to: [`u${index}@example.com`],
  subject: "Receipt",
  text: "x".repeat(2000),
});
const perSecond = (count, started) => Math.round((count / (performance.now() - started)) * 1000);

async function measure(name, store) {
  const outbox = createOutbox({ store, backends: { default: instant }, logger: false });
  await outbox.migrate();
  const singles = quick ? 100 : 1000;
  let started = performance.now();
  for (let index = 0; index < singles; index++) await outbox.enqueue(message(index));
  console.log(`${name}: enqueue, one a transaction: ${perSecond(singles, started)} a second`);
  const many = quick ? 2000 : 20_000;
  started = performance.now();
  await outbox.enqueueMany(
    Array.from({ length: many }, (_, index) => message(index)),
    { dedupeKeyOf: () => undefined },
  );
  console.log(`${name}: enqueueMany, 500 a statement: ${perSecond(many, started)} a second`);
  for (const concurrency of [8, 32, 100]) {
    started = performance.now();
    const { accepted } = await outbox.drain({ concurrency, limit: quick ? 500 : 5000 });
    console.log(
      `${name}: claim, begin, send, settle at concurrency ${concurrency}: ${perSecond(accepted, started)} a second`,
    );
  }
  const probe = async () => {
    const times = [];
    for (let index = 0; index < 20; index++) {
      await outbox.enqueue(message(index), { priority: "high" });
      const begun = performance.now();
      await outbox.drain({ limit: 1 });
      times.push(performance.now() - begun);
    }
    return times.sort((a, b) => a - b)[10].toFixed(1);
  };
  const before = await probe();
  started = performance.now();
  await outbox.enqueueMany(
    (function* () {
      for (let index = 0; index < backlog; index++) yield { ...message(index), text: "x" };
    })(),
    { delay: "1h", priority: "high", dedupeKeyOf: () => undefined, chunk: 1000 },
  );
  const filled = perSecond(backlog, started);
  console.log(
    `${name}: one message from its claim to its end, median of 20: ${before} ms, and ${await probe()} ms behind ${backlog.toLocaleString("en")} scheduled ones (queued at ${filled} a second)`,
  );
}

const folder = mkdtempSync(join(tmpdir(), "posthorn-bench-"));
try {
  const database = await openSqlite(join(folder, "outbox.db")).catch(async () => {
    const { default: Database } = await import(pathToFileURL(require.resolve("libsql")).href);
    return new Database(join(folder, "outbox.db"));
  });
  await measure("SQLite", sqliteStore(database, { pollEvery: 1 }));
  database.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const { default: pg } = await import(pathToFileURL(require.resolve("pg")).href);
const schema = `posthorn_bench_${process.pid}`;
const pool = new pg.Pool({
  connectionString: url,
  options: `-c search_path=${schema}`,
  connectionTimeoutMillis: 3000,
});
try {
  await pool.query(`CREATE SCHEMA ${schema}`);
  try {
    await measure("PostgreSQL", { ...pgStore(pool), pollEvery: 1 });
  } finally {
    await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  }
} catch (error) {
  console.log(`PostgreSQL is left out: ${error.message}`);
} finally {
  await pool.end();
}
