import { ConfigurationError, type Message } from "@posthorn/core";
import type { TrackingEvent } from "@posthorn/core/webhooks";
import { type Context, makeContext } from "./context.js";
import { addressesOf, addressOf, isPermanent, providerOfEvent, trackingIdOf } from "./core-gaps.js";
import { durationOr, parseDuration } from "./duration.js";
import { uuidBound, uuidv7 } from "./ids.js";
import { openPayload } from "./payload.js";
import { PRIORITIES, prepareMessage } from "./prepare.js";
import { progressLine } from "./progress.js";
import type { MessageRow, SuppressionRow } from "./sql/transitions.js";
import { positional } from "./sqlite/positional.js";
import {
  type Executor,
  runSteps,
  runStepsSync,
  type Statement,
  type Store,
  type SyncExecutor,
} from "./store.js";
import type {
  Counts,
  Enqueued,
  EnqueuedMany,
  EnqueueManyOptions,
  EnqueueOptions,
  MessageState,
  MessageSummary,
  Outbox,
  OutboxOptions,
  Page,
  Prepared,
  PreparedBlob,
  PreparedRow,
  PurgeCounts,
  RecipientOutcome,
  SettledState,
  Stats,
  Status,
  Suppression,
  SuppressionReason,
} from "./types.js";
import { Worker } from "./worker.js";

const SETTLED: ReadonlySet<string> = new Set(["accepted", "cancelled", "suppressed", "expired"]);
const NIL = "00000000-0000-0000-0000-000000000000";
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DAY = 86_400_000;

/**
 * Makes an outbox: a send queue in the application's own database. A message is in the queue if and only if the caller's transaction
 * committed, and the outbox makes no second request for it unless the first is proven unsent or carries a key that the provider
 * still keeps.
 *
 * @throws ConfigurationError for an option that is unknown, missing or malformed
 * @example
 * const outbox = createOutbox({ store: pgStore(pool), backends: { default: resend() } });
 * await outbox.migrate();
 * await outbox.enqueue({ from: "shop@example.com", to: ["ada@example.com"], subject: "Receipt", text }, { tx: client });
 * await outbox.worker().run();
 */
export function createOutbox<Tx>(options: OutboxOptions<Tx>): Outbox<Tx> {
  return new DatabaseOutbox(options);
}

class DatabaseOutbox<Tx> implements Outbox<Tx> {
  readonly store: Store<Tx>;
  readonly onEvent: Outbox<Tx>["onEvent"];
  readonly eventStore: Outbox<Tx>["eventStore"];
  private readonly context: Context;
  private readonly tenantOf: OutboxOptions["tenantOf"];

  constructor(options: OutboxOptions<Tx>) {
    this.context = makeContext(options as OutboxOptions);
    this.store = options.store;
    this.tenantOf = options.tenantOf;
    // Bound, since they are handed to webhooks as functions.
    this.onEvent = (event) => this.takeEvent(event);
    const { sql, run } = this.context;
    this.eventStore = {
      claim: (key) => run(sql.claimKey(key, uuidv7(this.context.clock.now()), 7 * DAY)),
      release: (key) => run(sql.releaseKey(key)),
    };
  }

  async migrate(): Promise<void> {
    await this.context.run(this.context.sql.migrate());
  }

  async prepare(message: Message, options: Omit<EnqueueOptions<Tx>, "tx"> = {}): Promise<Prepared> {
    return prepareMessage(this.context, message, options, this.tenantOf?.(message));
  }

  async enqueue(message: Message, options: EnqueueOptions<Tx> = {}): Promise<Enqueued> {
    const prepared = await this.prepare(message, options);
    return this.insert(prepared, options.tx);
  }

  async insert(prepared: Prepared, tx?: Tx | Executor): Promise<Enqueued> {
    const [inserted] = await this.insertAll(prepared.rows, prepared.blobs, tx);
    return enqueued(prepared.id, inserted?.holder);
  }

  insertSync(prepared: Prepared, db: Tx | SyncExecutor): Enqueued {
    const executor: Partial<SyncExecutor> =
      typeof db === "object" && db !== null && "querySync" in db
        ? (db as SyncExecutor)
        : (this.store.executor(db as Tx) as Partial<SyncExecutor>);
    if (!executor.querySync)
      throw new ConfigurationError("insertSync must be given a SQLite database: use insert for PostgreSQL");
    const work = this.context.sql.enqueue(prepared.rows, prepared.blobs);
    const [inserted] = runStepsSync(executor as SyncExecutor, work.steps(0));
    return enqueued(prepared.id, inserted?.holder);
  }

  statements(prepared: Prepared, dialect = this.store.dialect): readonly Statement[] {
    if (dialect !== this.store.dialect)
      throw new ConfigurationError(`This outbox has a ${this.store.dialect} store, not ${dialect}`);
    const steps = this.context.sql.enqueue(prepared.rows, prepared.blobs).steps(0);
    const statements: Statement[] = [];
    // None of them depends on another's rows.
    for (let next = steps.next(); !next.done; next = steps.next([])) {
      const { sql, params } = next.value;
      if (dialect === "postgres") statements.push(next.value);
      else {
        const { text, order } = positional(sql);
        statements.push({ sql: text, params: order.map((index) => params[index] ?? null) });
      }
    }
    return statements;
  }

  async enqueueMany(
    messages: Iterable<Message> | AsyncIterable<Message>,
    options: Omit<EnqueueOptions<Tx>, "dedupeKey"> & EnqueueManyOptions = {},
  ): Promise<EnqueuedMany> {
    const { dedupeKeyOf, chunk = 500, progress, tx, ...common } = options;
    const batch = options.batch ?? uuidv7(this.context.clock.now());
    const line = progressLine(progress, "queued");
    let queued = 0;
    let duplicates = 0;
    let rows: PreparedRow[] = [];
    let blobs = new Map<string, PreparedBlob>();
    const flush = async (): Promise<void> => {
      if (rows.length === 0) return;
      const inserted = await this.insertAll(rows, [...blobs.values()], tx);
      const fresh = inserted.filter(({ id, holder }) => id === holder).length;
      queued += fresh;
      duplicates += inserted.length - fresh;
      rows = [];
      blobs = new Map();
      line.update({ queued, duplicates });
    };
    let index = 0;
    for await (const message of messages) {
      const dedupeKey = dedupeKeyOf ? dedupeKeyOf(message, index) : `${batch}/${index}`;
      const prepared = await prepareMessage(
        this.context,
        message,
        { priority: "bulk", ...common, batch, dedupeKey },
        this.tenantOf?.(message),
        true,
      );
      rows.push(...prepared.rows);
      for (const blob of prepared.blobs) blobs.set(blob.hash, blob);
      index++;
      if (rows.length >= chunk) await flush();
    }
    await flush();
    line.end();
    return { batch, queued, duplicates };
  }

  worker(options: Parameters<Outbox["worker"]>[0] = {}): Worker {
    return new Worker(this.context, options, () => this.purge().then(() => undefined));
  }

  async drain(options: Parameters<Outbox["drain"]>[0] = {}): Promise<Counts> {
    const { limit, signal, ...rest } = options;
    const worker = new Worker(this.context, rest, undefined, { limit });
    const stop = (): void => void worker.stop();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      if (!signal?.aborted) await worker.run();
      return worker.counts;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async status(id: string): Promise<Status | undefined> {
    const { run, sql } = this.context;
    if (!UUID.test(id)) return undefined;
    const row = await run(sql.find(id));
    if (!row) return undefined;
    const [attempts, events] = [await run(sql.attempts(id)), await run(sql.events(id))];
    return {
      ...summaryOf(row),
      parent: row.parent ?? undefined,
      recipients: row.recipients
        ? (JSON.parse(row.recipients) as Record<string, RecipientOutcome>)
        : undefined,
      log: attempts.map((entry) => ({
        attempt: Number(entry["attempt"]),
        outcome: String(entry["outcome"]),
        provider: text(entry["provider"]),
        delivery: text(entry["delivery"]),
        status: entry["status"] === null ? undefined : Number(entry["status"]),
        code: text(entry["code"]),
        error: text(entry["error"]),
        endedAt: new Date(Number(entry["ended_at"])),
        nextAt: date(entry["next_at"]),
      })),
      events: events.map((entry) => ({
        type: String(entry["type"]),
        recipient: text(entry["recipient"]),
        at: date(entry["at"]),
        detail: text(entry["detail"]),
      })),
    };
  }

  async list(
    filter: Parameters<Outbox["list"]>[0] = {},
    page: { readonly limit?: number; readonly after?: string } = {},
  ): Promise<Page<MessageSummary>> {
    const limit = Math.min(page.limit ?? 50, 1000);
    const { run, sql } = this.context;
    const query = {
      state: filter.state ?? null,
      backend: filter.backend ?? null,
      tenant: filter.tenant ?? null,
      batch: filter.batch ?? null,
      before: filter.before?.getTime() ?? null,
      after: page.after ?? null,
      limit: limit + 1,
    };
    const live =
      filter.state && SETTLED.has(filter.state) ? [] : await run(sql.list({ ...query, from: "message" }));
    const settled = await run(sql.list({ ...query, from: "settled" }));
    const rows = [...live, ...settled].sort((a, b) => (a.id < b.id ? 1 : -1));
    const items = rows.slice(0, limit).map(summaryOf);
    const last = items.at(-1);
    return rows.length > limit && last ? { items, next: last.id } : { items };
  }

  async stats(): Promise<Stats> {
    const { run, sql, clock } = this.context;
    const hour = 3_600_000;
    const backends: Record<string, Record<string, unknown> & { oldestDue: number }> = {};
    const entry = (name: string): Record<string, unknown> & { oldestDue: number } => {
      backends[name] ??= { oldestDue: 0, pausedUntil: undefined, pauseReason: undefined };
      return backends[name];
    };
    const counts = await run(sql.counts());
    for (const { backend, state, count, oldest } of counts) {
      const to = entry(backend);
      to[state] = count;
      if (state === "queued" || state === "deferred") to.oldestDue = Math.max(to.oldestDue, oldest ?? 0);
    }
    for (const { name, paused_until, reason } of await run(sql.limits())) {
      if (paused_until === null) continue;
      Object.assign(entry(name), {
        pausedUntil: new Date(Number(paused_until)),
        pauseReason: reason ?? undefined,
      });
    }
    const workers = await run(sql.workers());
    // A day of slack: ids are made by clients' clocks, and a message may have waited.
    const settled = await run(sql.settledCounts(hour, uuidBound(clock.now() - 2 * DAY)));
    const health = await run(sql.health());
    const unknown = counts.reduce((sum, { state, count }) => sum + (state === "unknown" ? count : 0), 0);
    const due = counts.some(
      ({ oldest, state }) => (state === "queued" || state === "deferred") && (oldest ?? 0) > 60_000,
    );
    const warnings = [
      unknown > 0 &&
        `${unknown} messages may have been sent and are held: give outbox.onEvent to the provider's webhook, or settle them with resolve`,
      due && workers.length === 0 && "Messages are due and no worker runs",
      health &&
        health.oldestTransaction > 600_000 &&
        `A transaction has been open for ${Math.round(health.oldestTransaction / 60_000)} minutes: it keeps vacuum from cleaning the queue`,
    ].filter((line) => typeof line === "string");
    return {
      backends: backends as Stats["backends"],
      lastHour: Object.fromEntries(settled.map(({ state, count }) => [state, count])) as Partial<
        Record<SettledState, number>
      >,
      workers: workers.map((row) => ({
        id: String(row["id"]),
        host: text(row["host"]),
        pid: row["pid"] === null ? undefined : Number(row["pid"]),
        version: String(row["version"]),
        backends: String(row["backends"]).split(","),
        startedAt: new Date(Number(row["started_at"])),
        beatAt: new Date(Number(row["beat_at"])),
      })),
      warnings,
    };
  }

  async progress(batch: string): Promise<Readonly<Partial<Record<MessageState, number>>>> {
    const totals: Record<string, number> = {};
    for (const { state, count } of await this.context.run(this.context.sql.progress(batch)))
      totals[state] = (totals[state] ?? 0) + count;
    return totals;
  }

  async retry(
    ids: string | readonly string[],
    options: { readonly evenIfUnknown?: boolean } = {},
  ): Promise<readonly string[]> {
    const list = await this.context.run(this.context.sql.retry(uuids(ids), options.evenIfUnknown ?? false));
    if (list.length > 0) this.wake();
    return list;
  }

  async cancel(which: string | readonly string[] | { readonly batch: string }): Promise<readonly string[]> {
    const isBatch = typeof which === "object" && "batch" in which;
    return this.context.run(
      this.context.sql.cancel(isBatch ? [] : uuids(which), isBatch ? which.batch : null),
    );
  }

  async resolve(id: string, as: "accepted" | "not-sent"): Promise<boolean> {
    const { run, sql } = this.context;
    if (as !== "accepted" && as !== "not-sent")
      throw new ConfigurationError('resolve must be told "accepted" or "not-sent"');
    if (!UUID.test(id)) return false;
    const row = await run(sql.find(id));
    if (row?.state !== "unknown") return false;
    if (as === "accepted") return run(sql.proven(id, row.provider, null, "resolved by a person"));
    return (await this.retry(id, { evenIfUnknown: true })).length > 0;
  }

  async purge(options: Parameters<Outbox["purge"]>[0] = {}): Promise<PurgeCounts> {
    const { run, sql, clock, retain, storage } = this.context;
    const chunk = options.chunk ?? 1000;
    if (options.address !== undefined) return { ...NOTHING, personal: await this.erase(options.address) };
    const bound = (ms: number): string => uuidBound(clock.now() - ms + DAY);
    const all = async (next: () => Promise<number>): Promise<number> => {
      let total = 0;
      for (let got = chunk; got >= chunk; total += got) got = await next();
      return total;
    };
    const held = await all(() => run(sql.purgeHeld(retain.held, chunk)));
    const settled = await all(() => run(sql.purgeSettled(retain.settled, bound(retain.settled), chunk)));
    const personal = await all(() => run(sql.purgePersonal(retain.personal, bound(retain.personal), chunk)));
    await all(() => run(sql.purgeAttempts(bound(retain.settled + DAY), chunk)));
    const events = await all(() => run(sql.purgeEvents(retain.personal, chunk)));
    const dedupe = await all(() => run(sql.purgeDedupe(chunk)));
    const blobs = await all(async () => {
      const gone = await run(sql.purgeBlobs(Math.min(chunk, 100)));
      for (const { hash, external } of gone) if (external) await storage.blobs?.delete(hash);
      return gone.length === Math.min(chunk, 100) ? chunk : gone.length;
    });
    return { settled, personal, held, blobs, dedupe, events };
  }

  async suppress(
    addresses: string | readonly string[],
    options: Parameters<Outbox["suppress"]>[1] = {},
  ): Promise<void> {
    const rows = list(addresses).map(
      (address): SuppressionRow => ({
        tenant: options.tenant ?? "",
        address: addressOf(address),
        scope: options.scope ?? "*",
        reason: options.reason ?? "manual",
        provider: null,
        detail: options.detail ?? null,
        expiresIn: options.expiresIn === undefined ? null : parseDuration(options.expiresIn, "expiresIn"),
      }),
    );
    await this.context.run(this.context.sql.suppress(rows));
  }

  async unsuppress(
    addresses: string | readonly string[],
    options: { readonly scope?: string; readonly tenant?: string } = {},
  ): Promise<number> {
    return this.context.run(
      this.context.sql.unsuppress(
        list(addresses).map(addressOf),
        options.tenant ?? "",
        options.scope ?? null,
      ),
    );
  }

  async suppressions(filter: Parameters<Outbox["suppressions"]>[0] = {}): Promise<Page<Suppression>> {
    const limit = Math.min(filter.limit ?? 100, 1000);
    const rows = await this.context.run(
      this.context.sql.suppressions({
        address: filter.address === undefined ? null : addressOf(filter.address),
        tenant: filter.tenant ?? null,
        reason: filter.reason ?? null,
        after: filter.after ? (JSON.parse(filter.after) as [string, string, string]) : null,
        limit: limit + 1,
      }),
    );
    const items = rows.slice(0, limit).map(
      (row): Suppression => ({
        address: String(row["address"]),
        tenant: String(row["tenant"]),
        scope: String(row["scope"]),
        reason: row["reason"] as SuppressionReason,
        provider: text(row["provider"]),
        detail: text(row["detail"]),
        createdAt: new Date(Number(row["created_at"])),
        expiresAt: date(row["expires_at"]),
      }),
    );
    const last = items.at(-1);
    return rows.length > limit && last
      ? { items, next: JSON.stringify([last.tenant, last.address, last.scope]) }
      : { items };
  }

  async pause(backend: string, reason = "by request", ms?: Parameters<Outbox["pause"]>[2]): Promise<void> {
    const time = durationOr(ms, "ms", 100 * 365 * DAY);
    await this.context.run(this.context.sql.pause(backend, time, reason));
  }

  async resume(backend: string): Promise<void> {
    await this.context.run(this.context.sql.resume(backend));
    this.wake();
  }

  wake(): void {
    for (const wake of this.context.wakers) wake();
  }

  private async insertAll(
    rows: readonly PreparedRow[],
    blobs: readonly PreparedBlob[],
    tx: Tx | Executor | undefined,
  ): Promise<readonly { readonly id: string; readonly holder: string }[]> {
    const work = this.context.sql.enqueue(rows, blobs);
    if (tx !== undefined) return runSteps(this.store.executor(tx), work.steps(0));
    const inserted = await this.context.run(work);
    this.wake();
    await this.store.notify?.();
    return inserted;
  }

  private async takeEvent(event: TrackingEvent): Promise<void> {
    const { run, sql, keepsAllEvents, suppression } = this.context;
    const id = trackingIdOf(event);
    const provider = providerOfEvent(event);
    if (id !== undefined) {
      const messageId = event.messageId === null ? null : String(event.messageId);
      const isProven = await run(sql.proven(id, provider, messageId, "proven by an event"));
      // One that comes before its message is settled is looked at when its worker turns out dead.
      if (!isProven || keepsAllEvents) {
        const key = JSON.stringify([
          provider,
          event.eventType,
          event.eventId ?? event.timestamp?.getTime() ?? null,
          event.recipient,
        ]);
        await run(
          sql.noteEvent({
            id,
            key,
            recipient: event.recipient === null ? null : addressOf(event.recipient),
            type: event.eventType,
            at: event.timestamp?.getTime() ?? this.context.clock.now(),
            detail: event.description ?? event.mtaResponse,
            always: keepsAllEvents,
          }),
        );
        // A worker may have died between the two statements.
        if (!isProven && (await run(sql.find(id)))?.state === "unknown") await run(sql.provenByEvents());
      }
    }
    const type = event.eventType;
    if (event.recipient === null || !isSuppressing(type) || !isPermanent(event)) return;
    const scope = suppression[type];
    if (scope === false) return;
    const owner = id === undefined ? undefined : await run(sql.owner(id));
    const stream = owner?.stream ?? "transactional";
    // An unsubscribe that belongs to no stream would stop nothing, and one of the transactional stream must not.
    if (scope === "stream" && type === "unsubscribed" && stream === "transactional") return;
    await run(
      sql.suppress([
        {
          tenant: owner?.tenant ?? "",
          address: addressOf(event.recipient),
          scope: scope === "*" ? "*" : stream,
          reason: type,
          provider,
          detail: event.description ?? event.mtaResponse,
          expiresIn: null,
        },
      ]),
    );
  }

  private async erase(input: string): Promise<number> {
    const { run, sql, storage } = this.context;
    const address = addressOf(input);
    let erased = await run(sql.erase(address));
    for (let after = NIL; ; ) {
      const rows = await run(sql.scan(after, 200));
      const last = rows.at(-1);
      if (!last) return erased;
      after = last.id;
      const mine: string[] = [];
      for (const payload of await run(sql.payloads(rows.map(({ id }) => id)))) {
        const opened = await openPayload(payload, storage.cipher).catch(() => undefined);
        const to = opened ? addressesOf(opened.message) : [];
        if (to.length > 0 && to.every((each) => each === address)) mine.push(payload.id);
      }
      if (mine.length === 0) continue;
      // Those not begun are cancelled; those held are forgotten but for their row in the send log.
      const cancelled = await run(sql.cancel(mine, null));
      const dropped = await run(sql.drop(mine, "erased on request"));
      erased += cancelled.length + dropped.length;
    }
  }
}

const NOTHING: PurgeCounts = { settled: 0, personal: 0, held: 0, blobs: 0, dedupe: 0, events: 0 };

function enqueued(id: string, holder: string | undefined): Enqueued {
  return { id: holder ?? id, duplicate: holder !== undefined && holder !== id };
}

function summaryOf(row: MessageRow): MessageSummary {
  const hint =
    row.state === "unknown" && row.settled_at === null
      ? "; it may have been sent, and waits for an event of the provider's webhook, for resolve, or for retry with evenIfUnknown"
      : "";
  return {
    id: row.id,
    state: row.state as MessageState,
    tenant: row.tenant,
    backend: row.backend,
    stream: row.stream,
    batch: row.batch ?? undefined,
    priority: row.priority === null ? undefined : PRIORITIES[row.priority],
    attempts: row.attempts,
    provider: row.provider ?? undefined,
    providerId: row.provider_id ?? undefined,
    reason: row.reason === null && hint === "" ? undefined : `${row.reason ?? "unknown outcome"}${hint}`,
    createdAt: new Date(Number(row.created_at)),
    dueAt: date(row.due_at),
    settledAt: date(row.settled_at),
  };
}

function isSuppressing(type: string): type is Exclude<SuppressionReason, "manual"> {
  return ["bounced", "complained", "rejected", "unsubscribed"].includes(type);
}

function list(one: string | readonly string[]): readonly string[] {
  return typeof one === "string" ? [one] : one;
}

/** What is no id matches nothing. */
function uuids(ids: string | readonly string[]): readonly string[] {
  return list(ids).filter((id) => UUID.test(id));
}

function text(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

function date(value: unknown): Date | undefined {
  return value === null || value === undefined ? undefined : new Date(Number(value));
}
