// A worker process to be killed: node worker.mjs, with its configuration as JSON in the environment.
import { postmark } from "@posthorn/postmark";
import { resend } from "@posthorn/resend";
import { createOutbox } from "../../dist/index.js";
import { pgStore } from "../../dist/postgres.js";
import { openSqlite, sqliteStore } from "../../dist/sqlite.js";

const config = JSON.parse(process.env.POSTHORN_CHAOS);

/** The mutation: sends are not marked as begun, as queues do that retry when a lease runs out. */
const mutate = (sql) =>
  config.mutate
    ? sql.replace(
        /SET begun_at = (?:now\(\)|CAST\(unixepoch\('subsec'\) \* 1000 AS INTEGER\))/,
        "SET begun_at = NULL",
      )
    : sql;

async function makeStore() {
  if (config.store === "sqlite") {
    const database = await openSqlite(config.path);
    const prepare = database.prepare.bind(database);
    const mutated = new Proxy(database, {
      get(target, name) {
        if (name === "prepare") return (sql) => prepare(mutate(sql));
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    return sqliteStore(mutated, { pollEvery: 20, now: config.now });
  }
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({ connectionString: config.url, max: 2, options: config.pgOptions });
  pool.on("error", () => {});
  const wrap = (client) => ({
    query: (sql, params) => client.query(mutate(sql), params),
    release: (destroy) => client.release(destroy),
  });
  return {
    ...pgStore({ ...wrap(pool), connect: async () => wrap(await pool.connect()) }, { now: config.now }),
    pollEvery: 20,
  };
}

const common = {
  apiUrl: config.apiUrl,
  timeout: 5000,
  retry: false,
  preSend(message) {
    if (config.poison && message.to?.includes(config.poison)) process.exit(9);
  },
};
const backend = config.keyed
  ? resend({ ...common, apiKey: "re_test" })
  : postmark({ ...common, serverToken: "server-token" });
const skew = config.skew ?? 0;
const outbox = createOutbox({
  store: await makeStore(),
  backends: { default: backend },
  limits: config.limits,
  retry: { total: null, backoffFactor: 0.05, backoffMax: 0.5, backoffJitter: 0.05 },
  clock: {
    now: () => Date.now() + skew,
    monotonic: () => performance.now(),
    setTimer(callback, ms) {
      const id = setTimeout(callback, ms);
      return () => clearTimeout(id);
    },
    random: Math.random,
  },
  logger: false,
});
const worker = outbox.worker({ leaseFor: config.leaseFor, concurrency: config.concurrency ?? 8 });
let said = 0;
for (const name of ["fenced", "paused"]) worker.on(name, (info) => console.log(name, JSON.stringify(info)));
worker.on("error", ({ error, during }) => {
  if (said++ < 20) console.log("error", during, error?.code ?? "", error?.message);
});
process.on("SIGTERM", () => void worker.stop({ timeout: 20_000 }));
// A parent that dies must not leave workers behind.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(3), 1000).unref();
console.log("ready");
await worker.run();
process.exit(0);
