/**
 * The outbox in PostgreSQL, and what sends its statements through the libraries that hold the caller's transaction.
 *
 * @module
 */
import {
  type Executor,
  type Row,
  runSteps,
  type SqlValue,
  type Store,
  type StoreNames,
  type Work,
} from "../store.js";

/** What of pg's `Pool` is used. */
export interface PgPool {
  connect(): Promise<PgPoolClient>;
  query(sql: string, params: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

/** What of pg's `Client` and `PoolClient` is used. */
export interface PgClient {
  query(sql: string, params: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

interface PgPoolClient extends PgClient {
  release(destroy?: boolean | Error): void;
  on?(event: "error", listener: () => void): unknown;
  off?(event: "error", listener: () => void): unknown;
}

/** What of postgres.js is used: `sql`, or the `sql` of `begin`. */
export interface PostgresJsSql {
  unsafe(sql: string, params?: never[], options?: never): PromiseLike<unknown>;
}

/** Options of the PostgreSQL stores. */
export interface PostgresStoreOptions extends StoreNames {
  /**
   * Other processes' workers wake at once instead of at their next look: after each commit of `enqueue` without `tx` a NOTIFY is
   * sent. It is never sent inside the caller's transaction, where it would hold up the commits of others.
   *
   * @default false
   */
  readonly notify?: boolean | undefined;
  /**
   * Gives a connection for LISTEN, which must not go through PgBouncer in transaction mode. It is made again when it dies, and polling
   * never stops.
   *
   * @example listen: async () => { const client = new pg.Client(directUrl); await client.connect(); return client; }
   */
  readonly listen?: (() => Promise<ListenClient>) | undefined;
  /** Called at points where a test wants to fail. */
  readonly failpoint?:
    | ((point: "before-commit" | "after-commit", sql: string) => void | Promise<void>)
    | undefined;
}

/** A connection of pg's for LISTEN. */
export interface ListenClient extends PgClient {
  on(event: "notification" | "error" | "end", listener: (...args: never[]) => void): unknown;
  end(): Promise<void>;
}

/**
 * A store over a `Pool` of pg. It needs no session state, so PgBouncer may stand between in transaction mode.
 *
 * @example const outbox = createOutbox({ store: pgStore(new pg.Pool({ connectionString })), backends: { default: resend() } });
 */
export function pgStore(pool: PgPool, options: PostgresStoreOptions = {}): Store<PgClient> {
  const query = async (sql: string, params: readonly SqlValue[]): Promise<readonly Row[]> =>
    (await pool.query(sql, [...params])).rows as Row[];
  return postgresStore(options, query, fromPg, async (work) => {
    const client = await pool.connect();
    // A client that is checked out and loses its connection would end the process; its query fails anyway.
    client.on?.("error", ignore);
    let broken: unknown;
    try {
      await client.query("BEGIN", []);
      const value = await work(fromPg(client));
      await options.failpoint?.("before-commit", "COMMIT");
      await client.query("COMMIT", []);
      return value;
    } catch (error) {
      broken = error;
      try {
        await client.query("ROLLBACK", []);
        broken = undefined;
      } catch {
        // The connection is gone; so is the transaction.
      }
      throw error;
    } finally {
      client.off?.("error", ignore);
      client.release(broken !== undefined);
    }
  });
}

function ignore(): void {}

/** What of postgres.js's `sql` a store needs. */
export interface PostgresJsClient extends PostgresJsSql {
  begin<T>(work: (sql: PostgresJsSql) => Promise<T>): Promise<unknown>;
}

/**
 * A store over postgres.js.
 *
 * @example const outbox = createOutbox({ store: postgresJsStore(postgres(url)), backends: { default: resend() } });
 */
export function postgresJsStore(
  sql: PostgresJsClient,
  options: PostgresStoreOptions = {},
): Store<PostgresJsSql> {
  return postgresStore(options, fromPostgresJs(sql).query, fromPostgresJs, async (work) => {
    const done = await sql.begin(async (tx) => ({ value: await work(fromPostgresJs(tx)) }));
    return (done as { readonly value: Awaited<ReturnType<typeof work>> }).value;
  });
}

/** A store over functions of the caller's: for drivers that are neither pg nor postgres.js. */
export function postgresStore<Tx extends object>(
  options: PostgresStoreOptions,
  query: Executor["query"],
  executorOf: (tx: Tx) => Executor,
  transaction: <T>(work: (tx: Executor) => Promise<T>) => Promise<T>,
): Store<Tx> {
  const { failpoint } = options;
  const watched: Executor["query"] = failpoint
    ? async (sql, params) => {
        await failpoint("before-commit", sql);
        const rows = await query(sql, params);
        await failpoint("after-commit", sql);
        return rows;
      }
    : query;
  const store: Store<Tx> = {
    dialect: "postgres",
    names: { schema: options.schema, now: options.now },
    pollEvery: 1000,
    query: watched,
    run: (work) => (work.repeat === false ? runOnce(work, 0) : repeat((attempt) => runOnce(work, attempt))),
    executor: (tx) => (isExecutor(tx) ? tx : executorOf(tx)),
    close: async () => undefined,
  };
  async function runOnce<T>(work: Work<T>, attempt: number): Promise<T> {
    if (!work.atomic) return runSteps({ query: watched }, work.steps(attempt));
    const value = await transaction((tx) => runSteps(tx, work.steps(attempt)));
    await failpoint?.("after-commit", "COMMIT");
    return value;
  }
  const { listen, notify } = options;
  return {
    ...store,
    ...(listen && { listen: (wake) => listenForever(listen, wake) }),
    ...(notify && {
      notify: async () => {
        // A notification that is lost costs one look's delay.
        await query("SELECT pg_notify('posthorn_outbox', '')", []).catch(() => undefined);
      },
    }),
  };
}

/** Serialisation failures, deadlocks, and servers or connections that went away. */
const TRANSIENT = new Set([
  "40001",
  "40P01",
  "57P01",
  "57P02",
  "57P03",
  "53300",
  "08000",
  "08001",
  "08003",
  "08006",
]);
const LOST =
  /Connection terminated|ECONNRESET|EPIPE|CONNECTION_(?:CLOSED|ENDED|DESTROYED)|not queryable|socket hang up/i;

/** Whether an error says that the same work may succeed on another connection, or a moment later. */
export function isTransient(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return TRANSIENT.has(String(code)) || LOST.test(`${String(code)} ${String(message)}`);
}

/** Runs work until it succeeds, fails for a reason that stays, or has failed too often. */
async function repeat<T>(run: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run(attempt);
    } catch (error) {
      if (!isTransient(error) || attempt >= 3) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt * (0.5 + Math.random())));
    }
  }
}

/** Executor for a client of pg that is inside a transaction. */
export function fromPg(client: PgClient): Executor {
  return {
    dialect: "postgres",
    // Without a name: named statements do not survive PgBouncer.
    query: async (sql, params) => (await client.query(sql, [...params])).rows as Row[],
  };
}

/** Executor for the `sql` of postgres.js's `begin`. */
export function fromPostgresJs(sql: PostgresJsSql): Executor {
  return {
    dialect: "postgres",
    query: async (text, params) => [...((await sql.unsafe(text, [...params] as never[])) as Iterable<Row>)],
  };
}

/** What of Drizzle's transaction is used. */
export interface DrizzleTransaction {
  execute(query: never): PromiseLike<unknown>;
}

/** Drizzle's `sql`, from `drizzle-orm`. */
export interface DrizzleSql {
  raw(text: string): unknown;
  param(value: unknown): unknown;
  join(chunks: never[]): unknown;
}

/**
 * Executor for a transaction of Drizzle's, over any of its PostgreSQL drivers.
 *
 * @param sql `sql` of `drizzle-orm`
 * @example await db.transaction(async (tx) => { …; await outbox.enqueue(message, { tx: fromDrizzle(tx, sql) }); });
 */
export function fromDrizzle(tx: DrizzleTransaction, sql: DrizzleSql): Executor {
  return {
    dialect: "postgres",
    async query(text, params) {
      const chunks = text
        .split(/\$(\d+)/)
        .map((part, index) =>
          index % 2 === 0 ? sql.raw(part) : sql.param(params[Number(part) - 1] ?? null),
        );
      return rowsOf(await tx.execute(sql.join(chunks as never[]) as never));
    },
  };
}

/** What of Kysely's `Transaction` is used. */
export interface KyselyTransaction {
  executeQuery(query: never): Promise<{ readonly rows: readonly unknown[] }>;
}

/**
 * Executor for a transaction of Kysely's.
 *
 * @example await db.transaction().execute(async (tx) => { …; await outbox.enqueue(message, { tx: fromKysely(tx) }); });
 */
export function fromKysely(tx: KyselyTransaction): Executor {
  return {
    dialect: "postgres",
    async query(sql, parameters) {
      // As `CompiledQuery.raw` makes it.
      const query = { kind: "RawNode", sqlFragments: [sql], parameters: [] };
      const compiled = { sql, parameters, query, queryId: { queryId: `posthorn-${++queryCount}` } };
      return (await tx.executeQuery(compiled as never)).rows as Row[];
    },
  };
}

let queryCount = 0;

/** What of Knex's `Transaction` is used. */
export interface KnexTransaction {
  raw(sql: string, bindings: never): PromiseLike<unknown>;
}

/**
 * Executor for a transaction of Knex's.
 *
 * @example await knex.transaction(async (tx) => { …; await outbox.enqueue(message, { tx: fromKnex(tx) }); });
 */
export function fromKnex(tx: KnexTransaction): Executor {
  return {
    dialect: "postgres",
    async query(sql, params) {
      const bindings: SqlValue[] = [];
      const text = sql.replaceAll("?", "\\?").replace(/\$(\d+)/g, (_, digits: string) => {
        bindings.push(params[Number(digits) - 1] ?? null);
        return "?";
      });
      return rowsOf(await tx.raw(text, bindings as never));
    },
  };
}

/** What of Prisma's transaction client is used. */
export interface PrismaTransaction {
  $queryRawUnsafe(sql: string, ...params: unknown[]): PromiseLike<unknown>;
}

/**
 * Executor for an interactive transaction of Prisma's. Prepare the message before the transaction begins: Prisma ends one after 5
 * seconds, and a statement sent after that may be committed on its own.
 */
export function fromPrisma(tx: PrismaTransaction): Executor {
  return {
    dialect: "postgres",
    query: async (sql, params) => rowsOf(await tx.$queryRawUnsafe(sql, ...params)),
  };
}

/** What of TypeORM's `EntityManager` is used. */
export interface TypeOrmManager {
  query(sql: string, params?: never[]): Promise<unknown>;
}

/**
 * Executor for the `EntityManager` of a TypeORM transaction.
 *
 * @example await dataSource.transaction(async (manager) => { …; await outbox.enqueue(message, { tx: fromTypeOrm(manager) }); });
 */
export function fromTypeOrm(manager: TypeOrmManager): Executor {
  return {
    dialect: "postgres",
    query: async (sql, params) => rowsOf(await manager.query(sql, [...params] as never[])),
  };
}

/** Some give `{ rows }`, some a list of rows. */
function rowsOf(result: unknown): readonly Row[] {
  if (Array.isArray(result)) return [...(result as Row[])];
  const { rows } = (result ?? {}) as { readonly rows?: readonly Row[] };
  return rows ?? [];
}

function isExecutor(tx: object): tx is Executor {
  return "dialect" in tx && "query" in tx;
}

/** Listens, and again when the connection dies. */
async function listenForever(
  connect: () => Promise<ListenClient>,
  wake: () => void,
): Promise<() => Promise<void>> {
  let stopped = false;
  let client: ListenClient | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  const again = (): void => {
    if (stopped || timer) return;
    client = undefined;
    timer = setTimeout(
      () => {
        timer = undefined;
        void start();
      },
      Math.min(30_000, 500 * 2 ** failures++),
    );
    timer.unref?.();
  };
  const start = async (): Promise<void> => {
    try {
      const made = await connect();
      if (stopped) return void (await made.end());
      client = made;
      made.on("notification", () => wake());
      made.on("error", again);
      made.on("end", again);
      await made.query("LISTEN posthorn_outbox", []);
      failures = 0;
      // What was queued while nobody listened.
      wake();
    } catch {
      again();
    }
  };
  await start();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await client?.end().catch(() => undefined);
  };
}
