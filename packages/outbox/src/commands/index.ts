/**
 * What `posthorn outbox …` does, as functions.
 *
 * @module
 */
import { ConfigurationError } from "@posthorn/core";
import { createOutbox } from "../outbox.js";
import { type PgPool, pgStore } from "../postgres/index.js";
import { postgresTransitions } from "../sql/postgres.js";
import { sqliteTransitions } from "../sql/sqlite.js";
import { openSqlite, sqliteStore } from "../sqlite/index.js";
import { type Dialect, runStepsSync, type Store, type StoreNames } from "../store.js";

/** Where the commands find the outbox. */
export interface CommandOptions {
  /** `postgres://…`, or the path of a SQLite file. */
  readonly database: string;
  /** Schema of the tables (PostgreSQL). */
  readonly schema?: string | undefined;
}

/**
 * Opens a store by a URL or path. For PostgreSQL, `pg` must be installed.
 *
 * @throws ConfigurationError when its driver is not installed
 */
export async function openStore({ database, schema }: CommandOptions): Promise<Store> {
  if (!/^postgres(?:ql)?:/.test(database)) {
    return sqliteStore(await openSqlite(database.replace(/^(?:sqlite|file):(?:\/\/)?/, "")), {
      closes: true,
    }) as Store;
  }
  // In a variable: bundlers must not look for a driver that is not there.
  const driver = "pg";
  const loaded = (await import(driver).catch(() => undefined)) as
    | { readonly default: { readonly Pool: new (options: object) => PgPool & { end(): Promise<void> } } }
    | undefined;
  if (!loaded) throw new ConfigurationError("The package pg is required for PostgreSQL: install it");
  const pool = new loaded.default.Pool({ connectionString: database, max: 2 });
  return { ...pgStore(pool, { schema }), close: () => pool.end() } as Store;
}

/**
 * Makes or updates the tables.
 *
 * @returns what was done, in words
 */
export async function migrate(options: CommandOptions): Promise<string> {
  const store = await openStore(options);
  try {
    await createOutbox({ store, logger: false }).migrate();
    return `The outbox's tables are up to date (${store.dialect}).`;
  } finally {
    await store.close();
  }
}

/**
 * The statements that make the tables, for migrations of the application's own.
 *
 * @param options.from version of the schema that is there. @default 0
 */
export function sql(dialect: Dialect, options: StoreNames & { readonly from?: number } = {}): string {
  if (dialect !== "postgres" && dialect !== "sqlite")
    throw new ConfigurationError('The dialect must be "postgres" or "sqlite"');
  const transitions = dialect === "postgres" ? postgresTransitions(options) : sqliteTransitions(options);
  const statements: string[] = [];
  // Driven with an answer that says which version is there.
  const answering = {
    querySync(text: string, params: readonly unknown[]): readonly Readonly<Record<string, unknown>>[] {
      if (/^\s*SELECT value/.test(text)) return [{ value: String(options.from ?? 0) }];
      if (/pg_advisory/.test(text)) return [];
      statements.push(text.replaceAll("$1::text", `'${params[0]}'`).replaceAll("$1", `'${params[0]}'`));
      return [];
    },
  };
  runStepsSync(answering, transitions.migrate().steps(0));
  return `${statements.join(";\n\n")};\n`;
}

/**
 * How the queue stands, in lines for a terminal.
 *
 * @returns the lines, and whether someone should see to it
 */
export async function status(
  options: CommandOptions,
): Promise<{ readonly text: string; readonly ok: boolean }> {
  const store = await openStore(options);
  try {
    const stats = await createOutbox({ store, logger: false }).stats();
    const lines = Object.entries(stats.backends).map(
      ([name, { oldestDue, pausedUntil, pauseReason, ...states }]) => {
        const counts = Object.entries(states).map(([state, count]) => `${count} ${state}`);
        const oldest = oldestDue >= 1000 ? [`oldest due for ${Math.round(oldestDue / 1000)} s`] : [];
        const paused = pausedUntil
          ? [`paused until ${pausedUntil.toISOString()} (${pauseReason ?? "no reason"})`]
          : [];
        return `${name}: ${[...counts, ...oldest, ...paused].join(", ") || "nothing waits"}`;
      },
    );
    const settled = Object.entries(stats.lastHour).map(([state, count]) => `${count} ${state}`);
    lines.push(`within an hour: ${settled.join(", ") || "nothing settled"}`);
    lines.push(`workers: ${stats.workers.map(({ host, pid }) => `${host}/${pid}`).join(", ") || "none"}`);
    lines.push(...stats.warnings.map((warning) => `warning: ${warning}`));
    return { text: `${lines.join("\n")}\n`, ok: stats.warnings.length === 0 };
  } finally {
    await store.close();
  }
}
