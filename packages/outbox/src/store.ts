/** A value that every supported driver can bind: bytes only where a statement of the store itself asks for them. */
export type SqlValue = string | number | boolean | null | Uint8Array;

/** One row of a result, columns by name. */
export type Row = Readonly<Record<string, unknown>>;

/** The SQL dialects that the outbox speaks. */
export type Dialect = "postgres" | "sqlite";

/** A statement. Parameters are written `$1`, `$2`, … in both dialects. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/**
 * Statements that depend on each other's rows: each `yield` gives a statement and gets its rows. A generator, so that the same
 * code runs synchronously inside a SQLite transaction and asynchronously over a PostgreSQL connection.
 */
export type Steps<T> = Generator<Statement, T, readonly Row[]>;

/** A unit of work for a {@link Store}. It may be started again after a conflict or a lost connection. */
export interface Work<T> {
  /** Whether its statements need one transaction. A single statement is one by itself in PostgreSQL. */
  readonly atomic: boolean;
  /** `false`: not run again after a lost connection, since its caller must find out what became of it. */
  readonly repeat?: false;
  /** @param attempt 0 at first, then counting up: an earlier one may have been committed */
  steps(attempt: number): Steps<T>;
}

/**
 * Something that runs a statement inside a transaction of the caller's: pass it as `tx`.
 *
 * @example const executor: Executor = { dialect: "postgres", query: async (sql, params) => (await client.query(sql, [...params])).rows };
 */
export interface Executor {
  readonly dialect: Dialect;
  /** Runs one statement. Parameters are written `$1`, `$2`, …. */
  query(sql: string, params: readonly SqlValue[]): Promise<readonly Row[]>;
}

/**
 * A synchronous {@link Executor}, for `insertSync` inside the synchronous transactions of SQLite drivers.
 */
export interface SyncExecutor {
  readonly dialect: "sqlite";
  querySync(sql: string, params: readonly SqlValue[]): readonly Row[];
}

/** Where a store's statements find their tables and their time. */
export interface StoreNames {
  /** Schema of the tables (PostgreSQL); the search path decides when it is absent. */
  readonly schema?: string | undefined;
  /** SQL for the current time, instead of the database's own clock: for tests of clock skew. */
  readonly now?: string | undefined;
}

/**
 * A database that holds an outbox.
 *
 * @typeParam Tx what the caller's transactions are: `PoolClient` of pg, `TransactionSql` of postgres.js, a SQLite database
 */
export interface Store<Tx = unknown> extends Executor {
  readonly names: StoreNames;
  /** Milliseconds between looks for due messages that suit this store. PostgreSQL 1000, SQLite 200. */
  readonly pollEvery: number;
  /** Runs work in a transaction of its own where it needs one, and again after conflicts and lost connections. */
  run<T>(work: Work<T>): Promise<T>;
  /** The executor for a transaction of the caller's. An {@link Executor} comes back as it is. */
  executor(tx: Tx | Executor): Executor;
  /** Calls back when another process may have queued messages, where the database can tell. */
  listen?(wake: () => void): Promise<() => Promise<void>>;
  /** Tells other processes' workers that messages were queued, where the database can. */
  notify?(): Promise<void>;
  /** Closes what the store opened itself. A pool or database that was given to it stays open. */
  close(): Promise<void>;
}

/** Drives steps over an executor. */
export async function runSteps<T>(executor: Pick<Executor, "query">, steps: Steps<T>): Promise<T> {
  let next = steps.next();
  while (!next.done) {
    let rows: readonly Row[];
    try {
      rows = await executor.query(next.value.sql, next.value.params);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(rows);
  }
  return next.value;
}

/** Drives steps synchronously. */
export function runStepsSync<T>(executor: Pick<SyncExecutor, "querySync">, steps: Steps<T>): T {
  let next = steps.next();
  while (!next.done) next = steps.next(executor.querySync(next.value.sql, next.value.params));
  return next.value;
}
