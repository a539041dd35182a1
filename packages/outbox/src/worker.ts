import { hostname } from "node:os";
import { type Backend, ConfigurationError, type Message, type SendResult } from "@posthorn/core";
import { Batcher } from "./batcher.js";
import { CLIENT_VERSION, type Context, count, repeatFor } from "./context.js";
import { addressesOf, onlyRecipients, outcomeOf, remainder, withKey, withTrackingId } from "./core-gaps.js";
import { backoffTime, decide } from "./decide.js";
import { durationOr } from "./duration.js";
import { uuidv7 } from "./ids.js";
import { attachContents, openPayload } from "./payload.js";
import { prepareMessage } from "./prepare.js";
import { type ProgressLine, progressLine } from "./progress.js";
import type { Claimed, Deferral, Ref, Settlement } from "./sql/transitions.js";
import type {
  Counts,
  OutboxWorker,
  Outcome,
  Prepared,
  PreparedBlob,
  Priority,
  RecipientOutcome,
  WorkerEvents,
  WorkerOptions,
} from "./types.js";

/** Name and version, for people who look at the table of workers. */
const VERSION = "1";
const HOUR = 3_600_000;
/** Milliseconds for which an acceptance proves that the account works. */
const RECENTLY = 300_000;

/** A message that this process holds. */
interface Held extends Claimed {
  /** The worker's id when it was claimed: its part of the fencing token. */
  readonly worker: string;
  message: Message;
  refs: Awaited<ReturnType<typeof openPayload>>["refs"];
  hashes: readonly string[];
  backendObject: Backend | undefined;
  /** On the monotonic clock, before the begin statement was sent. */
  begunAt: number;
  leftOut: readonly string[];
  isBegun: boolean;
}

/** The messages of one backend. */
interface Lane {
  readonly name: string;
  held: number;
  /** Wakes the lane's loop. */
  wake: () => void;
  isWoken: boolean;
  acceptedAt: number;
  accountFaults: number;
}

/** What of another worker was seen when. */
interface Sighting {
  readonly beat: string;
  /** On this process's monotonic clock. */
  readonly since: number;
  reads: number;
}

type Listener = (info: never) => void;
type CountName = keyof Counts;

/** See {@link OutboxWorker}. */
export class Worker implements OutboxWorker {
  private id = "";
  private readonly lanes: readonly Lane[];
  private readonly concurrency: number;
  private readonly pollEvery: number;
  private readonly leaseFor: number;
  private readonly listeners = new Map<string, Listener[]>();
  private readonly totals: Record<CountName, number> = {
    accepted: 0,
    deferred: 0,
    unknown: 0,
    dead: 0,
    suppressed: 0,
    expired: 0,
    cancelled: 0,
  };
  private readonly held = new Map<string, Held>();
  private readonly settling: Batcher<{ readonly held: Held; readonly item: Settlement }>;
  private readonly deferring: Batcher<{ readonly held: Held; readonly item: Deferral }>;
  private readonly abort = new AbortController();
  /** Statements that must succeed before the worker ends. */
  private readonly pending = new Set<Promise<void>>();
  private sightings = new Map<string, Sighting>();
  private claiming: Promise<unknown> = Promise.resolve();
  /** Whether a claim may have been committed that this process knows nothing of. */
  private isUnsure = false;
  private isStopping = false;
  private hasGivenUp = false;
  private left: number;
  private running: Promise<void> | undefined;
  private readonly line: ProgressLine;
  private unknownSeen = 0;
  private warnedAt = Number.NEGATIVE_INFINITY;
  private purgedAt: number;
  private beatsDue = 0;

  constructor(
    private readonly context: Context,
    options: WorkerOptions,
    private readonly purge: (() => Promise<void>) | undefined,
    private readonly once?: { readonly limit?: number | undefined },
  ) {
    const names = options.backends ?? context.backendNames;
    if (names.length === 0)
      throw new ConfigurationError(
        "A worker must have backends: pass createOutbox({ backends }), and with a function also worker({ backends: [names] })",
      );
    this.concurrency = count(options.concurrency ?? 32, "concurrency");
    this.pollEvery = Math.max(1, durationOr(options.pollEvery, "pollEvery", context.store.pollEvery));
    this.leaseFor = Math.max(100, durationOr(options.leaseFor, "leaseFor", 30_000));
    this.left = once?.limit ?? Number.POSITIVE_INFINITY;
    this.line = progressLine(options.progress, "sent");
    this.purgedAt = context.clock.monotonic() - context.clock.random() * HOUR;
    this.lanes = names.map((name) => ({
      name,
      held: 0,
      wake: () => {},
      isWoken: false,
      acceptedAt: Number.NEGATIVE_INFINITY,
      accountFaults: 0,
    }));
    const { setTimer } = context.clock;
    this.settling = new Batcher((items) => this.settleAll(items), setTimer);
    this.deferring = new Batcher((items) => this.deferAll(items), setTimer);
  }

  get counts(): Counts {
    return { ...this.totals };
  }

  on<K extends keyof WorkerEvents>(event: K, listener: (info: WorkerEvents[K]) => void): this {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener as Listener]);
    return this;
  }

  run(): Promise<void> {
    this.running ??= this.work();
    return this.running;
  }

  async stop(options: Parameters<OutboxWorker["stop"]>[0] = {}): Promise<void> {
    const timeout = durationOr(options.timeout, "timeout", 25_000);
    this.isStopping = true;
    for (const lane of this.lanes) this.wakeLane(lane);
    const cancel = this.context.clock.setTimer(() => {
      this.hasGivenUp = true;
      this.abort.abort(new Error("the worker stops"));
    }, timeout);
    try {
      await this.running;
    } finally {
      cancel();
    }
  }

  private async work(): Promise<void> {
    const { context } = this;
    const wakeAll = (): void => {
      for (const lane of this.lanes) this.wakeLane(lane);
    };
    context.wakers.add(wakeAll);
    let unlisten: (() => Promise<void>) | undefined;
    let isBeating = true;
    try {
      // One id for all tries: a registration whose answer was lost must not leave a second row.
      const id = uuidv7(context.clock.now());
      await this.untilDone("register", () => this.register(id));
      if (!this.once) unlisten = await context.store.listen?.(wakeAll);
      const beating = this.beatLoop(() => isBeating);
      await Promise.all(this.lanes.map((lane) => this.laneLoop(lane)));
      await this.finish();
      isBeating = false;
      this.wakeBeat();
      await beating;
    } finally {
      isBeating = false;
      context.wakers.delete(wakeAll);
      await unlisten?.();
      this.line.end();
    }
  }

  /** Settles what is under way, returns the rest, and signs off. */
  private async finish(): Promise<void> {
    const started = this.context.clock.monotonic();
    while (this.held.size > 0 || this.pending.size > 0) {
      this.settling.now();
      this.deferring.now();
      if (this.pending.size > 0) await Promise.race([...this.pending, this.sleep(50)]);
      else await this.sleep(10);
      // Without a database nothing can be written: what is left stays with a worker that others will find dead.
      if (this.hasGivenUp && this.context.clock.monotonic() - started > this.leaseFor) break;
    }
    await this.clearDoubt().catch((error: unknown) => this.report(error, "sign off"));
    await this.context
      .run(this.context.sql.unregister(this.id))
      .catch((error: unknown) => this.report(error, "sign off"));
  }

  private async register(id: string): Promise<void> {
    const { context } = this;
    const backends = this.lanes.map(({ name }) => name).join(",");
    await context.run(
      context.sql.register(id, { host: hostname(), pid: process.pid, version: VERSION, backends }),
    );
    this.id = id;
  }

  private async laneLoop(lane: Lane): Promise<void> {
    let failures = 0;
    while (!this.isStopping && this.left > 0) {
      let claimed: number | undefined;
      try {
        claimed = await this.round(lane);
        failures = 0;
      } catch (error) {
        this.report(error, "claim");
        await this.laneSleep(lane, Math.min(5000, 100 * 2 ** Math.min(failures++, 6)));
        continue;
      }
      if (claimed !== undefined && claimed > 0) continue;
      if (this.once && claimed === 0 && this.held.size === 0 && this.pending.size === 0) return;
      await this.laneSleep(lane, this.once ? Math.min(this.pollEvery, 50) : this.pollEvery);
    }
  }

  /**
   * Claims messages and begins their sends.
   *
   * @returns how many were claimed; `undefined` when there was no room, or the backend is limited or paused
   */
  private async round(lane: Lane): Promise<number | undefined> {
    const { context } = this;
    const { sql } = context;
    await this.clearDoubt();
    const room = Math.min(this.concurrency - lane.held, this.left, 100);
    if (room <= 0) return undefined;
    const bucket = Object.hasOwn(context.buckets, lane.name) ? context.buckets[lane.name] : undefined;
    if (!(await context.run(sql.due(lane.name)))) return 0;
    let granted = room;
    if (bucket) {
      const permit = await context.run(sql.permit(lane.name, room, bucket));
      granted = permit.granted;
      if (granted <= 0) {
        if (this.once && permit.pausedFor > 0) return 0;
        await this.laneSleep(
          lane,
          permit.pausedFor > 0
            ? Math.min(permit.pausedFor, this.pollEvery)
            : Math.max(1, Math.min(bucket.interval, this.pollEvery)),
        );
        return undefined;
      }
    } else if ((await context.run(sql.paused(lane.name))) > 0) return 0;
    const items = await this.claim(lane, granted);
    if (bucket && items.length < granted)
      await context
        .run(sql.giveBack(lane.name, granted - items.length, bucket))
        .catch((error: unknown) => this.report(error, "claim"));
    if (items.length === 0) return 0;
    this.left -= items.length;
    try {
      const ready = await this.examine(items);
      await this.begin(lane, ready);
    } catch (error) {
      this.report(error, "begin");
      // Nothing was sent: they go back as soon as the database takes it, whatever became of the begin.
      this.giveUp(items.filter((item) => this.held.has(item.id)));
    }
    return items.length;
  }

  /**
   * Returns what a claim took whose commit was not answered. Before anything else is looked for: while nothing is due no claim is made,
   * and those rows would stay with a worker that lives and does not know them.
   */
  private async clearDoubt(): Promise<void> {
    if (!this.isUnsure) return;
    const next = this.claiming.then(async () => {
      if (!this.isUnsure) return;
      await this.context.run(this.context.sql.letGo(this.id, [...this.held.keys()]));
      this.isUnsure = false;
    });
    this.claiming = next.catch(() => undefined);
    await next;
  }

  /** Claims run one at a time, so that what this process does not know can be told from what it is about to know. */
  private claim(lane: Lane, most: number): Promise<readonly Held[]> {
    const { context } = this;
    const next = this.claiming.then(async () => {
      const started = context.clock.monotonic();
      const worker = this.id;
      try {
        const rows = await context.run(context.sql.claim(worker, lane.name, most));
        return rows.map((row) => this.hold(lane, row, worker));
      } catch (error) {
        this.isUnsure = true;
        throw error;
      } finally {
        this.time("claim", started);
      }
    });
    this.claiming = next.catch(() => undefined);
    return next;
  }

  private hold(lane: Lane, row: Claimed, worker: string): Held {
    const item: Held = {
      ...row,
      worker,
      message: { to: [] },
      refs: [],
      hashes: [],
      backendObject: undefined,
      begunAt: 0,
      leftOut: row.omitted,
      isBegun: false,
    };
    this.held.set(item.id, item);
    lane.held++;
    return item;
  }

  /** Reads payloads, sorts out what is not to be sent, and gives the rest. */
  private async examine(items: readonly Held[]): Promise<readonly Held[]> {
    const { context } = this;
    const { sql } = context;
    const payloads = new Map(
      (await context.run(sql.payloads(items.map(({ id }) => id)))).map((payload) => [payload.id, payload]),
    );
    const live: Held[] = [];
    for (const item of items) {
      const isUncertain = item.soleProvider !== null;
      if (item.expired) {
        if (isUncertain)
          this.deferItem(item, { to: "unknown", reason: "it expired before its outcome was known" });
        else this.settleItem(item, { state: "expired", reason: "it expired before it could be sent" });
        continue;
      }
      const payload = payloads.get(item.id);
      try {
        if (!payload) throw new Error("its row has no payload");
        Object.assign(item, await openPayload(payload, context.storage.cipher));
        item.backendObject = context.backendOf(item.backend, item.tenant);
      } catch (error) {
        this.deferItem(item, { to: "dead", reason: `it cannot be read: ${words(error)}` });
        continue;
      }
      const backend = item.backendObject;
      if (!backend) {
        this.deferUnsent(item, `there is no backend "${item.backend}" here`, false);
      } else if (isUncertain && backend.provider !== item.soleProvider) {
        // Another provider knows nothing of the key.
        this.deferItem(item, {
          to: "unknown",
          reason: `it may have been sent by ${item.soleProvider || "another provider"}, and the backend is now ${backend.provider}`,
        });
      } else live.push(item);
    }
    return this.leaveOutSuppressed(live);
  }

  private async leaveOutSuppressed(items: readonly Held[]): Promise<readonly Held[]> {
    const { context } = this;
    const byTenant = new Map<string, Set<string>>();
    for (const item of items) {
      const set = byTenant.get(item.tenant) ?? new Set();
      for (const address of addressesOf(item.message)) set.add(address);
      byTenant.set(item.tenant, set);
    }
    const stopped = new Map<string, Map<string, Set<string>>>();
    for (const [tenant, addresses] of byTenant) {
      const scopes = new Map<string, Set<string>>();
      for (const { address, scope } of await context.run(context.sql.suppressed(tenant, [...addresses])))
        scopes.set(address, (scopes.get(address) ?? new Set()).add(scope));
      stopped.set(tenant, scopes);
    }
    return items.filter((item) => {
      // One that may have been sent is repeated as it was: the provider must see the same body under its key.
      if (item.soleProvider === null) {
        const scopes = stopped.get(item.tenant);
        const isStopped = (address: string): boolean =>
          Boolean(scopes?.get(address)?.has("*") || scopes?.get(address)?.has(item.stream));
        item.leftOut = addressesOf(item.message).filter(isStopped);
      }
      if (item.leftOut.length === 0) return true;
      const out = new Set(item.leftOut);
      const kept = onlyRecipients(item.message, (address) => !out.has(address));
      if (kept) {
        item.message = kept;
        return true;
      }
      const recipients = Object.fromEntries(item.leftOut.map((address) => [address, SUPPRESSED]));
      this.settleItem(item, { state: "suppressed", reason: "all recipients are suppressed", recipients });
      return false;
    });
  }

  /** Marks messages as begun, commits that, and sends them. */
  private async begin(lane: Lane, items: readonly Held[]): Promise<void> {
    if (items.length === 0) return;
    if (this.isStopping) {
      this.giveUp(items);
      return;
    }
    const { context } = this;
    const started = context.clock.monotonic();
    const refs = items.map(({ id, attempt, leftOut }) => ({
      id,
      attempt,
      omitted: leftOut.length > 0 ? JSON.stringify(leftOut) : null,
    }));
    for (const item of items) item.begunAt = started;
    const worker = items[0]?.worker ?? this.id;
    const begun = new Set(await context.run(context.sql.begin(worker, refs)));
    this.time("begin", started);
    for (const item of items) {
      if (!begun.has(item.id)) {
        // Another worker took this one for dead and has it.
        this.release(item);
        continue;
      }
      item.isBegun = true;
      void this.send(lane, item).catch((error: unknown) => {
        this.report(error, "send");
        this.deferItem(item, { to: "unknown", delivery: "unknown", reason: words(error) });
      });
    }
  }

  private async send(lane: Lane, item: Held): Promise<void> {
    const { context } = this;
    const { clock } = context;
    const backend = item.backendObject as Backend;
    let blobs: ReadonlyMap<string, PreparedBlob>;
    try {
      blobs = await this.fetchBlobs(item.hashes);
    } catch (error) {
      this.deferUnsent(item, `its attachments cannot be fetched: ${words(error)}`);
      return;
    }
    let message: Message;
    try {
      message = await attachContents(item.message, item.refs, blobs, context.storage);
    } catch (error) {
      this.deferItem(item, { to: "dead", reason: `its attachments cannot be read: ${words(error)}` });
      return;
    }
    message = withKey(withTrackingId(message, item.id, backend), item.key, backend);
    // After a pause of this process others may have taken it for dead. Nothing was sent yet, so it can go back.
    if (clock.monotonic() - item.begunAt > this.leaseFor / 2 || this.abort.signal.aborted) {
      this.giveUp([item]);
      return;
    }
    const started = clock.monotonic();
    let settled: { readonly result: SendResult } | { readonly error: unknown };
    try {
      settled = { result: await backend.send(message, { signal: this.abort.signal }) };
    } catch (error) {
      settled = { error };
    }
    this.time("send", started, { backend: lane.name });
    const outcome = outcomeOf(settled);
    await this.follow(
      lane,
      item,
      backend,
      outcome,
      "result" in settled ? settled.result : undefined,
      message,
    );
  }

  /** Blobs with their bytes, from the database or the caller's storage. */
  private async fetchBlobs(hashes: readonly string[]): Promise<ReadonlyMap<string, PreparedBlob>> {
    const { context } = this;
    const found = new Map<string, PreparedBlob>();
    if (hashes.length === 0) return found;
    for (const blob of await context.run(context.sql.blobs(hashes))) {
      if (blob.bytes !== null) found.set(blob.hash, blob);
      else {
        const { blobs } = context.storage;
        if (!blobs) throw new Error("they are in an object store, and the option blobs is not set");
        found.set(blob.hash, { ...blob, bytes: await blobs.get(blob.hash) });
      }
    }
    return found;
  }

  /** Tries a message again later that was not sent for a reason of this side's, within the same bounds as others. */
  private deferUnsent(item: Held, reason: string, counts = true): void {
    const { backoff, maxAge, clock } = this.context;
    const tries = item.tries + 1;
    const wait = counts ? backoffTime(tries, backoff, clock.random) : 60_000;
    const isSpent = (counts && backoff.total !== null && tries > backoff.total) || item.age + wait > maxAge;
    this.deferItem(item, { to: isSpent ? "dead" : "deferred", wait, counts, reason });
  }

  /** Does what follows from an outcome. */
  private async follow(
    lane: Lane,
    item: Held,
    backend: Backend,
    outcome: Outcome,
    result: SendResult | undefined,
    message: Message,
  ): Promise<void> {
    const { context } = this;
    const { clock } = context;
    const backendWorks = clock.monotonic() - lane.acceptedAt < RECENTLY && lane.accountFaults < 5;
    const decision = decide(
      outcome,
      {
        tries: item.tries,
        uncertain: item.soleProvider !== null,
        repeatFor: repeatFor(backend),
        age: Math.max(0, item.age),
        maxAge: context.maxAge,
        backendWorks,
      },
      context.backoff,
      clock.now(),
      clock.random,
    );
    if (outcome.delivery === "accepted") {
      lane.acceptedAt = clock.monotonic();
      lane.accountFaults = 0;
    } else if (outcome.fault === "account") lane.accountFaults++;
    if (decision.pause !== undefined) this.pauseLane(lane, decision.pause, decision.reason);
    const { provider, providerId } = outcome;
    if (decision.to === "accepted") {
      const recipients = {
        ...outcome.recipients,
        ...Object.fromEntries(item.leftOut.map((address) => [address, SUPPRESSED])),
      };
      const rest = result && result.errors.length > 0 ? remainder(message, result) : undefined;
      const settlement = { state: "accepted", provider, providerId, recipients, reason: outcome.error };
      if (rest) await this.settleWithRest(item, settlement, rest);
      else this.settleItem(item, settlement);
      return;
    }
    if (decision.to === "cancelled" && item.soleProvider === null) {
      this.settleItem(item, { state: "cancelled", reason: decision.reason });
      return;
    }
    this.deferItem(item, {
      to: decision.to === "cancelled" ? "unknown" : decision.to,
      wait: decision.wait,
      counts: decision.counts,
      delivery: outcome.delivery,
      repeatFor: repeatFor(backend),
      provider: provider ?? backend.provider,
      status: outcome.status,
      code: outcome.code,
      error: outcome.error,
      reason: decision.reason,
    });
  }

  private pauseLane(lane: Lane, ms: number, reason: string): void {
    const { context } = this;
    this.emit("paused", { backend: lane.name, reason, ms });
    this.count("paused", 1, { backend: lane.name });
    context.logger.warn(
      `Posthorn outbox: backend "${lane.name}" is paused for ${Math.round(ms / 1000)} s: ${reason}`,
    );
    this.persist("pause", () => context.run(context.sql.pause(lane.name, ms, reason)).then(() => undefined));
  }

  /** Settles a message whose send took only some of its recipients, and queues the others. */
  private async settleWithRest(item: Held, settlement: SettlementFields, rest: Message): Promise<void> {
    const { context } = this;
    let prepared: Prepared;
    try {
      prepared = await prepareMessage(
        context,
        // A key of the caller's has been used up by those that were taken.
        { ...withoutKey(rest), idempotencyKey: undefined },
        {
          tenant: item.tenant,
          backend: item.backend,
          stream: item.stream,
          priority: "normal" satisfies Priority,
          delay: context.backoff.backoffFactor * 1000,
          parent: item.id,
        },
        undefined,
      );
    } catch (error) {
      // What was taken is settled whatever else fails.
      this.report(error, "remainder");
      this.settleItem(item, settlement);
      return;
    }
    const work = context.sql.settleWithRest(
      item.worker,
      settlementOf(item, settlement),
      prepared.rows,
      prepared.blobs,
    );
    this.persist("settle", async () => {
      await context.run(work);
      this.settledAs(item, "accepted", settlement);
    });
  }

  private settleItem(held: Held, fields: SettlementFields): void {
    this.settling.add({ held, item: settlementOf(held, fields) });
  }

  private deferItem(held: Held, fields: DeferralFields): void {
    const item: Deferral = {
      id: held.id,
      attempt: held.attempt,
      to: fields.to,
      wait: fields.wait ?? 0,
      counts: fields.counts ? 1 : 0,
      provider: fields.provider ?? null,
      repeatFor: fields.repeatFor ?? null,
      delivery: fields.delivery ?? "not-sent",
      status: fields.status ?? null,
      code: fields.code ?? null,
      error: fields.error ?? null,
      reason: fields.reason,
    };
    this.deferring.add({ held, item });
  }

  private settleAll(items: readonly { readonly held: Held; readonly item: Settlement }[]): void {
    for (const [worker, mine] of byWorker(items)) {
      const { context } = this;
      const started = context.clock.monotonic();
      this.persist("settle", async () => {
        await context.run(
          context.sql.settle(
            worker,
            mine.map(({ item }) => item),
          ),
        );
        this.time("settle", started);
        for (const { held, item } of mine) this.settledAs(held, item.state as CountName, item);
      });
    }
  }

  private settledAs(
    held: Held,
    state: CountName,
    fields: { readonly provider?: string | null | undefined },
  ): void {
    this.release(held);
    this.tally(state, held);
    if (state === "accepted")
      this.emit("accepted", { id: held.id, provider: fields.provider ?? undefined, attempts: held.attempt });
    else if (state === "suppressed" || state === "expired" || state === "cancelled")
      this.emit(state, { id: held.id });
  }

  private deferAll(items: readonly { readonly held: Held; readonly item: Deferral }[]): void {
    const { context } = this;
    for (const [worker, mine] of byWorker(items)) {
      this.persist("settle", async () => {
        const rows = await context.run(
          context.sql.defer(
            worker,
            mine.map(({ item }) => item),
          ),
        );
        const states = new Map(rows.map(({ id, state }) => [id, state]));
        if ([...states.values()].includes("unknown")) await context.run(context.sql.provenByEvents());
        for (const { held, item } of mine) {
          this.release(held);
          // No row: another worker has it, or this statement was committed before.
          const state = states.get(held.id) ?? item.to;
          const reason = item.reason ?? "";
          this.tally(state as CountName, held);
          if (state === "unknown") this.tellUnknown(held, reason);
          else if (state === "dead") this.emit("dead", { id: held.id, reason });
          else this.emit("deferred", { id: held.id, reason, wait: item.wait });
        }
      });
    }
  }

  private tellUnknown(held: Pick<Held, "id">, reason: string): void {
    this.emit("unknown", { id: held.id, reason });
    this.unknownSeen++;
    const now = this.context.clock.monotonic();
    if (now - this.warnedAt < 1000) return;
    this.warnedAt = now;
    this.context.logger.warn(
      `Posthorn outbox: ${this.unknownSeen} ${this.unknownSeen === 1 ? "message" : "messages"} may have been sent and are held as unknown, lately ${held.id}: ${reason}`,
    );
  }

  /** Returns messages that were not sent to the queue. */
  private giveUp(items: readonly Held[]): void {
    for (const [worker, mine] of byWorker(items.map((held) => ({ held })))) {
      const refs: Ref[] = mine.map(({ held }) => ({ id: held.id, attempt: held.attempt }));
      this.persist("return", async () => {
        await this.context.run(this.context.sql.unbegin(worker, refs));
        for (const { held } of mine) this.release(held);
      });
    }
  }

  private release(item: Held): void {
    if (this.held.get(item.id) !== item) return;
    this.held.delete(item.id);
    const lane = this.lanes.find(({ name }) => name === item.backend);
    if (!lane) return;
    lane.held--;
    this.wakeLane(lane);
  }

  /** Runs a statement until the database takes it: what is known of a message must not be lost with a connection. */
  private persist(during: string, work: () => Promise<void>): void {
    const done = this.untilDone(during, work).finally(() => this.pending.delete(done));
    this.pending.add(done);
  }

  private async untilDone(during: string, work: () => Promise<void>): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        return await work();
      } catch (error) {
        this.report(error, during);
        // Once the time to stop has passed as well, others settle what is left when this worker is found dead.
        if (this.hasGivenUp && failures >= 3) return;
        await this.sleep(
          Math.min(5000, 50 * 2 ** Math.min(failures, 7)) * (0.5 + this.context.clock.random()),
        );
      }
    }
  }

  private wakeBeat: () => void = () => {};

  /** Shows that this worker lives, and finds those that do not. */
  private async beatLoop(isOn: () => boolean): Promise<void> {
    const every = this.leaseFor / 6;
    while (isOn()) {
      await new Promise<void>((resolve) => {
        const cancel = this.context.clock.setTimer(resolve, every);
        this.wakeBeat = () => {
          cancel();
          resolve();
        };
      });
      if (!isOn()) return;
      try {
        await this.beat();
      } catch (error) {
        // While nothing can be read, nobody can be called dead.
        this.sightings = new Map();
        this.report(error, "beat");
      }
    }
  }

  private async beat(): Promise<void> {
    const { context } = this;
    const { sql } = context;
    if (!(await context.run(sql.beat(this.id)))) await this.fence();
    await this.watch();
    if (this.beatsDue++ % 6 !== 0) return;
    const { minClient } = await context.run(sql.version());
    if (minClient > CLIENT_VERSION) {
      this.report(
        new ConfigurationError("The database needs a newer version of @posthorn/outbox: the worker stops"),
        "beat",
      );
      void this.stop();
    }
    if (context.resendAfter !== undefined) {
      const again = await context.run(sql.resendUnknown(context.resendAfter));
      if (again.length > 0)
        context.logger.warn(
          `Posthorn outbox: ${again.length} unknown messages are sent again, as onUnknown says`,
        );
    }
    if (this.purge && context.clock.monotonic() - this.purgedAt > HOUR) {
      this.purgedAt = context.clock.monotonic();
      await this.purge();
    }
  }

  /** Others took this worker for dead: what it has not begun is theirs, and it goes on under another name. */
  private async fence(): Promise<void> {
    const former = this.id;
    this.emit("fenced", { worker: former });
    this.count("fenced", 1, {});
    await this.register(uuidv7(this.context.clock.now()));
    for (const item of [...this.held.values()]) {
      if (item.worker === former && !item.isBegun && item.begunAt === 0) this.release(item);
    }
  }

  private async watch(): Promise<void> {
    const { context } = this;
    const { sql, clock } = context;
    const now = clock.monotonic();
    const seen = new Map<string, Sighting>();
    const beats = await context.run(sql.watch());
    const readAt = clock.monotonic();
    for (const { id, beat } of beats) {
      if (id === this.id) continue;
      const before = this.sightings.get(id);
      // From after the first read to before the last: a slow query makes no worker look dead.
      const sighting = before?.beat === beat ? before : { beat, since: readAt, reads: 0 };
      sighting.reads++;
      seen.set(id, sighting);
    }
    this.sightings = seen;
    const windows = context.windows();
    let found: { readonly id: string; readonly state: string }[] = [];
    for (const [id, { beat, since, reads }] of seen) {
      if (now - since < this.leaseFor || reads < 3) continue;
      const freed = await context.run(sql.reap(id, beat, windows));
      seen.delete(id);
      if (!freed) continue;
      this.count("reaped", 1, {});
      found = [...found, ...freed];
    }
    found = [...found, ...(await context.run(sql.orphans(windows)))];
    // An event may have come while they were under way.
    const proven = new Set(await context.run(sql.provenByEvents()));
    for (const { id, state } of found) {
      if (state === "unknown" && !proven.has(id)) {
        this.totals.unknown++;
        this.tellUnknown({ id }, "its worker died while sending");
      }
    }
    if (found.length > 0) for (const lane of this.lanes) this.wakeLane(lane);
  }

  private tally(state: CountName, held: Held): void {
    this.totals[state]++;
    this.line.update(this.totals);
    this.count("settled", 1, { state, backend: held.backend });
  }

  private emit<K extends keyof WorkerEvents>(event: K, info: WorkerEvents[K]): void {
    for (const listener of this.listeners.get(event) ?? []) {
      try {
        (listener as (info: WorkerEvents[K]) => void)(info);
      } catch (error) {
        this.context.logger.error(`Posthorn outbox: a listener of "${event}" failed: ${words(error)}`);
      }
    }
  }

  private report(error: unknown, during: string): void {
    this.count("errors", 1, { during });
    if (this.listeners.has("error")) this.emit("error", { error, during });
    else this.context.logger.error(`Posthorn outbox: ${during} failed: ${words(error)}`);
  }

  private count(name: string, value: number, labels: Readonly<Record<string, string>>): void {
    try {
      this.context.metrics?.count(`posthorn_outbox_${name}`, value, labels);
    } catch {
      // Measuring must not become a fault of sending.
    }
  }

  private time(name: string, started: number, labels: Readonly<Record<string, string>> = {}): void {
    try {
      const seconds = (this.context.clock.monotonic() - started) / 1000;
      this.context.metrics?.time(`posthorn_outbox_${name}_seconds`, seconds, labels);
    } catch {
      // As above.
    }
  }

  private wakeLane(lane: Lane): void {
    lane.isWoken = true;
    lane.wake();
  }

  /** Sleeps until the lane is woken, or for a time. */
  private async laneSleep(lane: Lane, ms: number): Promise<void> {
    if (lane.isWoken) {
      lane.isWoken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const cancel = this.context.clock.setTimer(resolve, ms);
      lane.wake = () => {
        cancel();
        resolve();
      };
    });
    lane.wake = () => {};
    lane.isWoken = false;
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.context.clock.setTimer(resolve, ms));
  }
}

const SUPPRESSED: RecipientOutcome = { status: "suppressed", messageId: null };

interface SettlementFields {
  readonly state: string;
  readonly provider?: string | undefined;
  readonly providerId?: string | undefined;
  readonly recipients?: Readonly<Record<string, RecipientOutcome>> | undefined;
  readonly reason?: string | undefined;
}

interface DeferralFields {
  readonly to: Deferral["to"];
  readonly reason: string;
  readonly wait?: number;
  readonly counts?: boolean;
  readonly delivery?: string;
  readonly repeatFor?: number | undefined;
  readonly provider?: string | undefined;
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  readonly error?: string | undefined;
}

function settlementOf({ id, attempt }: Ref, fields: SettlementFields): Settlement {
  return {
    id,
    attempt,
    state: fields.state,
    provider: fields.provider ?? null,
    providerId: fields.providerId ?? null,
    recipients: fields.recipients ? JSON.stringify(fields.recipients) : null,
    reason: fields.reason ?? null,
  };
}

function byWorker<T extends { readonly held: Held }>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(item.held.worker, [...(groups.get(item.held.worker) ?? []), item]);
  return groups;
}

/** The message as it was before the worker added to it. */
function withoutKey(message: Message): Message {
  const { posthorn_id: _, ...metadata } = (message.metadata ?? {}) as Record<string, unknown>;
  const tags = message.tags?.filter((tag) => !tag.startsWith("posthorn:"));
  return {
    ...message,
    ...(message.metadata && { metadata }),
    ...(tags && { tags }),
  };
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
