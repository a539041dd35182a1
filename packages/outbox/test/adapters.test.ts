import "reflect-metadata";
import { sql } from "drizzle-orm";
import { drizzle as drizzlePg } from "drizzle-orm/node-postgres";
import { drizzle as drizzlePostgresJs } from "drizzle-orm/postgres-js";
import knexModule from "knex";
import { Kysely, PostgresDialect } from "kysely";
import postgres from "postgres";
import { DataSource } from "typeorm";
import { beforeAll, describe, expect, it } from "vitest";
import { createOutbox, type Outbox } from "../src/index.js";
import {
  fromDrizzle,
  fromKnex,
  fromKysely,
  fromPg,
  fromPostgresJs,
  fromTypeOrm,
  pgStore,
  postgresJsStore,
} from "../src/postgres/index.js";
import type { Executor } from "../src/store.js";
import { beds, cleanup, message, POSTGRES_URL, ScriptedBackend, schemaPool } from "./helpers.js";

/** Thrown to roll back. */
class Rollback extends Error {}

type Adapter = readonly [
  name: string,
  /** Runs work in a transaction of the library's, as its users do. */
  open: (schema: string) => Promise<(work: (tx: Executor) => Promise<void>) => Promise<unknown>>,
];

const adapters: readonly Adapter[] = [
  [
    "pg",
    async (schema) => {
      const { default: pg } = await import("pg");
      const pool = new pg.Pool({ connectionString: POSTGRES_URL, options: `-c search_path=${schema}` });
      cleanup(() => pool.end());
      return async (work) => {
        const client = await pool.connect();
        try {
          await client.query("BEGIN");
          await work(fromPg(client));
          await client.query("COMMIT");
        } catch (error) {
          await client.query("ROLLBACK");
          throw error;
        } finally {
          client.release();
        }
      };
    },
  ],
  [
    "postgres.js",
    async (schema) => {
      const client = postgres(POSTGRES_URL, { connection: { search_path: schema }, onnotice: () => {} });
      cleanup(() => client.end());
      return (work) => client.begin((tx) => work(fromPostgresJs(tx)));
    },
  ],
  [
    "Drizzle over pg",
    async (schema) => {
      const { default: pg } = await import("pg");
      const pool = new pg.Pool({ connectionString: POSTGRES_URL, options: `-c search_path=${schema}` });
      cleanup(() => pool.end());
      const db = drizzlePg(pool);
      return (work) => db.transaction((tx) => work(fromDrizzle(tx, sql)));
    },
  ],
  [
    "Drizzle over postgres.js",
    async (schema) => {
      const client = postgres(POSTGRES_URL, { connection: { search_path: schema }, onnotice: () => {} });
      cleanup(() => client.end());
      const db = drizzlePostgresJs(client);
      return (work) => db.transaction((tx) => work(fromDrizzle(tx, sql)));
    },
  ],
  [
    "Kysely",
    async (schema) => {
      const { default: pg } = await import("pg");
      const pool = new pg.Pool({ connectionString: POSTGRES_URL, options: `-c search_path=${schema}` });
      const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
      cleanup(() => db.destroy());
      return (work) => db.transaction().execute((tx) => work(fromKysely(tx)));
    },
  ],
  [
    "Knex",
    async (schema) => {
      const db = knexModule({
        client: "pg",
        connection: { connectionString: POSTGRES_URL, options: `-c search_path=${schema}` },
      });
      cleanup(() => db.destroy());
      return (work) => db.transaction((tx) => work(fromKnex(tx)));
    },
  ],
  [
    "TypeORM",
    async (schema) => {
      const source = new DataSource({
        type: "postgres",
        url: POSTGRES_URL,
        extra: { options: `-c search_path=${schema}` },
      });
      await source.initialize();
      cleanup(() => source.destroy());
      return (work) => source.transaction((manager) => work(fromTypeOrm(manager)));
    },
  ],
];

const hasServer = beds.some(({ name }) => name === "postgres");

describe.runIf(hasServer)("the caller's transaction", () => {
  let outbox: Outbox<never>;
  let schema: string;

  beforeAll(async () => {
    const own = await schemaPool();
    ({ schema } = own);
    outbox = createOutbox<never>({
      store: pgStore(own.pool as never) as never,
      backends: { default: new ScriptedBackend() },
      logger: false,
    });
    await outbox.migrate();
    await own.pool.query("CREATE TABLE orders (id text PRIMARY KEY)");
  });

  it.each(adapters)("commits and rolls back together with %s's", async (name, open) => {
    const transaction = await open(schema);
    const subject = `What? It's $9 "for" {you} \\ é :now`;
    let id = "";
    await transaction(async (tx) => {
      await tx.query("INSERT INTO orders (id) VALUES ($1::text)", [`${name} kept`]);
      const attachments = [{ filename: "a.bin", content: crypto.getRandomValues(new Uint8Array(5000)) }];
      ({ id } = await outbox.enqueue(message("ada@example.com", { subject, attachments }), {
        tx,
        dedupeKey: `${name}?`,
      }));
      expect(await outbox.enqueue(message(), { tx, dedupeKey: `${name}?` })).toEqual({ id, duplicate: true });
    });
    let dropped = "";
    const rolledBack = transaction(async (tx) => {
      await tx.query("INSERT INTO orders (id) VALUES ($1::text)", [`${name} dropped`]);
      dropped = (await outbox.enqueue(message(), { tx })).id;
      throw new Rollback();
    });
    await expect(rolledBack).rejects.toThrow(Rollback);
    expect((await outbox.status(id))?.state).toBe("queued");
    expect(await outbox.status(dropped)).toBeUndefined();
    const orders = await outbox.store.query("SELECT id FROM orders WHERE id LIKE $1::text || ' %'", [name]);
    expect(orders).toEqual([{ id: `${name} kept` }]);
    const backend = new ScriptedBackend();
    await createOutbox({ store: outbox.store, backends: { default: backend }, logger: false }).drain();
    expect(backend.sent.map((sent) => sent.subject)).toEqual([subject]);
  });

  it("works over postgres.js as a store of its own", async () => {
    const { schema: own } = await schemaPool();
    const client = postgres(POSTGRES_URL, { connection: { search_path: own }, onnotice: () => {}, max: 4 });
    cleanup(() => client.end());
    const backend = new ScriptedBackend();
    const box = createOutbox({
      store: postgresJsStore(client as never),
      backends: { default: backend },
      logger: false,
    });
    await box.migrate();
    backend.steps.push(new Error("nothing is proven"));
    const attachments = [{ filename: "a.bin", content: new Uint8Array(6000).fill(7) }];
    const { id } = await box.enqueue(message("ada@example.com", { attachments }));
    await box.enqueue(message());
    expect(await box.drain({ concurrency: 1 })).toMatchObject({ unknown: 1, accepted: 1 });
    expect((await box.status(id))?.log).toMatchObject([{ outcome: "unknown", delivery: "unknown" }]);
    await client.begin(async (tx) => {
      await box.enqueue(message(), { tx: tx as never });
    });
    expect((await box.drain()).accepted).toBe(1);
    expect(await box.resolve(id, "accepted")).toBe(true);
    expect(await box.stats()).toMatchObject({ lastHour: { accepted: 3 }, workers: [] });
  });

  it("lets a caller's serialisable transaction run again after a clash of keys", async () => {
    const { pool } = await schemaPool();
    const box = createOutbox({
      store: pgStore(pool as never),
      backends: { default: new ScriptedBackend() },
      logger: false,
    });
    await box.migrate();
    const attempt = async (): Promise<string> => {
      const client = await pool.connect();
      try {
        await client.query("BEGIN ISOLATION LEVEL SERIALIZABLE");
        await client.query("SELECT count(*) FROM posthorn_dedupe");
        const { id } = await box.enqueue(message(), { tx: fromPg(client), dedupeKey: "one" });
        await new Promise((resolve) => setTimeout(resolve, 30));
        await client.query("COMMIT");
        return id;
      } catch (error) {
        await client.query("ROLLBACK");
        if ((error as { code?: string }).code !== "40001") throw error;
        return attempt();
      } finally {
        client.release();
      }
    };
    const ids = await Promise.all([attempt(), attempt(), attempt()]);
    expect(new Set(ids).size).toBe(1);
    expect((await box.drain()).accepted).toBe(1);
  });

  it("works when each transaction gets another connection, as behind PgBouncer", async () => {
    const { pool } = await schemaPool(6);
    const clients = await Promise.all([1, 2, 3].map(() => pool.connect()));
    let turn = 0;
    const next = () => clients[turn++ % clients.length] as (typeof clients)[number];
    const busy = new Map<object, Promise<unknown>>();
    const serial = <T>(client: object, work: () => Promise<T>): Promise<T> => {
      const done = (busy.get(client) ?? Promise.resolve()).then(work, work);
      busy.set(
        client,
        done.catch(() => undefined),
      );
      return done;
    };
    const pooler = {
      query: (text: string, params: unknown[]) => {
        const client = next();
        return serial(client, () => client.query(text, params));
      },
      connect: async () => {
        const client = await pool.connect();
        return {
          query: (text: string, params: unknown[]) => client.query(text, params),
          release: () => client.release(),
        };
      },
    };
    const backend = new ScriptedBackend();
    const box = createOutbox({
      store: pgStore(pooler as never),
      backends: { default: backend },
      logger: false,
    });
    await box.migrate();
    for (let index = 0; index < 20; index++) await box.enqueue(message());
    expect((await box.drain()).accepted).toBe(20);
    for (const client of clients) client.release();
  });
});
