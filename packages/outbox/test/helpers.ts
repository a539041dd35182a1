import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ApiError,
  type Backend,
  type Features,
  type Message,
  type SendOptions,
  type SendResult,
  TransportError,
} from "@posthorn/core";
import { makeResult, normalizeMessage, sendMany } from "@posthorn/core/provider";
import { memory } from "@posthorn/testing";
import Database from "libsql";
import pg from "pg";
import { afterAll } from "vitest";
import type { PgClient } from "../src/postgres/index.js";
import { type PostgresStoreOptions, pgStore } from "../src/postgres/index.js";
import { type SqliteDatabase, sqliteStore } from "../src/sqlite/index.js";
import type { Store } from "../src/store.js";

/** A message to one address. */
export function message(to = "ada@example.com", more: Partial<Message> = {}): Message {
  return { from: "shop@example.com", to: [to], subject: "Hello", text: "Hello.", ...more };
}

/** What a scripted backend does with a send. */
export type Step = "accept" | Error | ((message: Message, options: SendOptions) => Promise<SendResult>);

/** A backend that does as told and counts what it was sent, by the id that the outbox gave. */
export class ScriptedBackend implements Backend<Features> {
  readonly features: Features;
  readonly sent: Message[] = [];
  readonly steps: Step[] = [];
  readonly idempotencyWindow: number | undefined;

  constructor(
    readonly provider = "Fake",
    options: { readonly idempotencyWindow?: number; readonly features?: Partial<Features> } = {},
  ) {
    this.idempotencyWindow = options.idempotencyWindow;
    this.features = {
      ...memory().features,
      idempotencyKey: options.idempotencyWindow !== undefined,
      ...options.features,
    };
  }

  async send(given: Message, options: SendOptions = {}): Promise<SendResult> {
    await normalizeMessage(given, "base64", true);
    this.sent.push(given);
    const step = this.steps.shift() ?? "accept";
    if (step instanceof Error) throw step;
    if (typeof step === "function") return step(given, options);
    return this.accepted(given);
  }

  accepted(given: Message): SendResult {
    const all = [given.to, given.cc, given.bcc].flatMap((list) =>
      Array.isArray(list) ? list : list ? [list] : [],
    );
    const recipients = Object.fromEntries(
      all.map((address) => [
        String(address),
        { status: "queued" as const, messageId: `id-${this.sent.length}` },
      ]),
    );
    return makeResult({ provider: this.provider, recipients });
  }

  async unsupportedFields(): Promise<readonly string[]> {
    return [];
  }

  async dryRun(): Promise<never[]> {
    return [];
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  sendMany(
    messages: Iterable<Message> | AsyncIterable<Message>,
    options = {},
  ): ReturnType<Backend["sendMany"]> {
    return sendMany((each: Message) => this.send(each, options), messages, options);
  }
}

/** An error answer of a provider's. */
export function apiError(
  status: number,
  more: Partial<ConstructorParameters<typeof ApiError>[1]> = {},
): ApiError {
  const delivery = status < 500 ? "not-sent" : "unknown";
  return new ApiError(`Fake answered ${status}`, {
    provider: "Fake",
    status,
    headers: {},
    body: "",
    delivery,
    retryable: status === 429,
    ...more,
  });
}

/** A request whose answer did not come. */
export function lost(): TransportError {
  return new TransportError("Fake gave no answer: socket hang up", {
    provider: "Fake",
    phase: "read",
    code: "ECONNRESET",
    delivery: "unknown",
  });
}

/** A connection that was not made. */
export function refused(): TransportError {
  return new TransportError("Fake gave no answer: connection refused", {
    provider: "Fake",
    phase: "connect",
    code: "ECONNREFUSED",
    delivery: "not-sent",
    retryable: true,
  });
}

/** A store to test with, and what is needed around it. */
export interface Bed {
  readonly name: "sqlite" | "postgres";
  /** An empty store of its own. */
  open(options?: Pick<PostgresStoreOptions, "now" | "failpoint">): Promise<Store<never>>;
}

const cleanups: (() => Promise<void> | void)[] = [];

/** Runs at the end of the test file. */
export function cleanup(work: () => Promise<void> | void): void {
  cleanups.push(work);
}

afterAll(async () => {
  for (const work of cleanups.splice(0).reverse()) await work();
}, 120_000);

/** A folder that goes away at the end. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "posthorn-outbox-"));
  cleanup(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A new SQLite file, by `libsql`, which every supported Node has. */
export function sqliteFile(): { readonly path: string; open(): SqliteDatabase } {
  const path = join(tempFolder(), "outbox.db");
  return {
    path,
    open() {
      const database = new Database(path) as unknown as SqliteDatabase;
      cleanup(() => void database.close());
      return database;
    },
  };
}

export const sqliteBed: Bed = {
  name: "sqlite",
  async open(options = {}) {
    const database = sqliteFile().open();
    const store = sqliteStore(database, { pollEvery: 5, now: options.now });
    // What is tested here does not rest on the disk.
    database.exec("PRAGMA synchronous = OFF");
    return store as unknown as Store<never>;
  },
};

/** How tests reach PostgreSQL: `POSTHORN_TEST_POSTGRES`, or the server on this machine. */
export const POSTGRES_URL =
  process.env["POSTHORN_TEST_POSTGRES"] ?? "postgres://postgres@127.0.0.1:5432/postgres";

/** Whether there is a PostgreSQL server to test with. */
export async function hasPostgres(): Promise<boolean> {
  const client = new pg.Client({ connectionString: POSTGRES_URL, connectionTimeoutMillis: 3000 });
  try {
    await client.connect();
    return true;
  } catch (error) {
    console.warn(`No PostgreSQL at ${POSTGRES_URL} (${(error as Error).message}): its tests are skipped`);
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

let schemas = 0;

/** A pool whose connections see a schema of their own, which goes away at the end. */
export async function schemaPool(
  max = 10,
  url = POSTGRES_URL,
  isDurable = false,
): Promise<{ readonly pool: pg.Pool; readonly schema: string }> {
  const schema = `posthorn_test_${process.pid}_${Date.now().toString(36)}_${++schemas}`;
  const pool = new pg.Pool({
    connectionString: url,
    max,
    options: `-c search_path=${schema}${isDurable ? "" : " -c synchronous_commit=off"}`,
  });
  pool.on("error", () => {});
  await pool.query(`CREATE SCHEMA ${schema}`);
  cleanup(async () => {
    await pool.query(`DROP SCHEMA ${schema} CASCADE`).catch(() => undefined);
    await pool.end();
  });
  return { pool, schema };
}

let shared: Promise<{ readonly pool: pg.Pool }> | undefined;

export const postgresBed: Bed = {
  name: "postgres",
  async open(options = {}) {
    // Tables take long to make: those of a file's earlier tests are emptied instead.
    const isFirst = shared === undefined || options.now !== undefined;
    if (isFirst && options.now === undefined) shared = schemaPool();
    const { pool } = await (options.now === undefined
      ? (shared as Promise<{ readonly pool: pg.Pool }>)
      : schemaPool());
    if (!isFirst) await pool.query(EMPTY);
    const store = pgStore(pool as never, options) as Store<PgClient>;
    return { ...store, pollEvery: 5 } as unknown as Store<never>;
  },
};

/** Empties what tables there are. */
const EMPTY = `DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['message', 'settled', 'worker', 'blob', 'dedupe', 'attempt', 'event', 'suppression', 'limit'] LOOP
    IF to_regclass('posthorn_' || t) IS NOT NULL THEN EXECUTE 'DELETE FROM posthorn_' || t; END IF;
  END LOOP; END $$`;

/** The stores to run shared tests over. */
export const beds: readonly Bed[] = (await hasPostgres()) ? [sqliteBed, postgresBed] : [sqliteBed];
