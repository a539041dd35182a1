/**
 * The outbox in SQLite.
 *
 * @module
 */
import { ConfigurationError } from "@posthorn/core";
import type { Executor, Row, SqlValue, Steps, Store, StoreNames, SyncExecutor, Work } from "../store.js";
import { runStepsSync } from "../store.js";
import { positional } from "./positional.js";

/** A prepared statement, as all drivers have it. */
interface SqliteStatement {
  all(...params: never[]): unknown[];
  run(...params: never[]): unknown;
}

/**
 * A database of `node:sqlite` (`DatabaseSync`), `bun:sqlite` (`Database`), `libsql` (`Database`) or better-sqlite3: what they have in
 * common.
 */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
  /** better-sqlite3, libsql, bun. */
  readonly inTransaction?: boolean;
  /** node:sqlite. */
  readonly isTransaction?: boolean;
}

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions extends Pick<StoreNames, "now"> {
  /** Milliseconds to wait for another process's lock. @default 5000 */
  readonly busyTimeout?: number | undefined;
  /** Milliseconds between looks for messages that other processes queued. @default 200 */
  readonly pollEvery?: number | undefined;
  /** Whether `close` closes the database. @default false */
  readonly closes?: boolean | undefined;
}

/** A store over a SQLite database. */
export interface SqliteStore extends Store<SqliteDatabase> {
  readonly database: SqliteDatabase;
}

/**
 * A store in a SQLite database. Give workers a connection of their own: on one that the application shares, a transaction of the
 * application's that awaits something holds the worker up.
 *
 * It sets `journal_mode = WAL`, `synchronous = FULL` and `foreign_keys = ON`.
 *
 * @throws ConfigurationError when SQLite is older than 3.42
 * @example
 * import { DatabaseSync } from "node:sqlite";
 * const outbox = createOutbox({ store: sqliteStore(new DatabaseSync("app.db")), backends: { default: resend() } });
 */
export function sqliteStore(database: SqliteDatabase, options: SqliteStoreOptions = {}): SqliteStore {
  const executor = sqliteExecutor(database);
  const busyTimeout = options.busyTimeout ?? 5000;
  database.exec(`PRAGMA busy_timeout = ${Number(busyTimeout)}`);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec("PRAGMA foreign_keys = ON");
  checkVersion(executor);

  /** On a connection that the application shares, its own transaction comes first. */
  const whenFree = async (): Promise<void> => {
    for (let waited = 0; isBusy(database); waited += 5) {
      if (waited > busyTimeout)
        throw new ConfigurationError(
          "The SQLite connection has been in a transaction for too long: give the outbox a connection of its own, or pass the transaction as tx",
        );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  return {
    dialect: "sqlite",
    names: { now: options.now },
    pollEvery: options.pollEvery ?? 200,
    database,
    async query(sql, params) {
      await whenFree();
      return executor.querySync(sql, params);
    },
    async run(work) {
      for (let attempt = 0; ; attempt++) {
        await whenFree();
        try {
          return runWork(database, executor, work, attempt);
        } catch (error) {
          if (!isLocked(error) || attempt >= 4) throw error;
          await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** attempt));
        }
      }
    },
    executor: (tx) => (isExecutor(tx) ? tx : sqliteExecutor(tx)),
    async close() {
      if (options.closes) database.close();
    },
  };
}

/**
 * Opens a SQLite file with the driver that the runtime has: `bun:sqlite` on Bun, `node:sqlite` on Node 22.13 and later and on Deno,
 * `libsql` (to be installed) on Node 20.
 *
 * @throws ConfigurationError when there is none
 * @example const store = sqliteStore(await openSqlite("app.db"));
 */
export async function openSqlite(path: string): Promise<SqliteDatabase> {
  // Names in variables: bundlers must not look for modules that only some runtimes have.
  const drivers: readonly (readonly [module: string, name: string])[] =
    "Bun" in globalThis
      ? [["bun:sqlite", "Database"]]
      : [
          ["node:sqlite", "DatabaseSync"],
          ["libsql", "default"],
          ["better-sqlite3", "default"],
        ];
  for (const [module, name] of drivers) {
    const loaded = await import(module).catch(() => undefined);
    const Database = loaded?.[name] as (new (path: string) => SqliteDatabase) | undefined;
    if (Database) return new Database(path);
  }
  throw new ConfigurationError(
    "No SQLite driver is available: install libsql, or run on Node 22.13 or later",
  );
}

/** The executor for a transaction that was begun on this database, and for `insertSync`. */
export function sqliteExecutor(database: SqliteDatabase): Executor & SyncExecutor {
  const cache = new Map<
    string,
    { readonly statement: SqliteStatement; readonly order: readonly number[]; readonly reads: boolean }
  >();
  const querySync = (sql: string, params: readonly SqlValue[]): readonly Row[] => {
    let prepared = cache.get(sql);
    if (!prepared) {
      const { text, order } = positional(sql);
      prepared = {
        statement: database.prepare(text),
        order,
        reads: /^\s*(?:SELECT|PRAGMA)\b|\bRETURNING\b/i.test(text),
      };
      // Statements are few and fixed; the bound is against what a caller may send through `query`.
      if (cache.size > 200) cache.clear();
      cache.set(sql, prepared);
    }
    const values = prepared.order.map((index) => bindable(params[index]));
    // libsql and better-sqlite3 refuse `all` for a statement that gives no rows.
    if (prepared.reads) return prepared.statement.all(...(values as never[])) as readonly Row[];
    prepared.statement.run(...(values as never[]));
    return [];
  };
  return { dialect: "sqlite", querySync, query: async (sql, params) => querySync(sql, params) };
}

function runWork<T>(database: SqliteDatabase, executor: SyncExecutor, work: Work<T>, attempt: number): T {
  const steps: Steps<T> = work.steps(attempt);
  if (!work.atomic) return runStepsSync(executor, steps);
  database.exec("BEGIN IMMEDIATE");
  try {
    const value = runStepsSync(executor, steps);
    database.exec("COMMIT");
    return value;
  } catch (error) {
    // SQLite rolls back by itself after some errors, such as a full disk.
    if (isBusy(database) !== false) {
      try {
        database.exec("ROLLBACK");
      } catch {
        // The first error tells more.
      }
    }
    throw error;
  }
}

/** Whether the connection is in a transaction; `undefined` where the driver does not tell. */
function isBusy(database: SqliteDatabase): boolean | undefined {
  return database.inTransaction ?? database.isTransaction;
}

function isLocked(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return String(code).startsWith("SQLITE_BUSY") || /database (?:table )?is locked/i.test(String(message));
}

function isExecutor(tx: object): tx is Executor {
  return "dialect" in tx && "query" in tx;
}

function bindable(value: SqlValue | undefined): string | number | bigint | null | Uint8Array {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return value ? 1 : 0;
  return value;
}

function checkVersion(executor: SyncExecutor): void {
  const [row] = executor.querySync("SELECT sqlite_version() AS version", []);
  const version = String(row?.["version"]);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 3 || (major === 3 && minor < 42))
    throw new ConfigurationError(`SQLite must be 3.42 or later; this is ${version}`);
}
