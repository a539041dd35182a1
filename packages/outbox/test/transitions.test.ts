import { describe, expect, it } from "vitest";
import { uuidv7 } from "../src/ids.js";
import { postgresTransitions } from "../src/sql/postgres.js";
import { sqliteTransitions } from "../src/sql/sqlite.js";
import type { Deferral, Ref, Settlement, Transitions } from "../src/sql/transitions.js";
import type { Store } from "../src/store.js";
import type { PreparedRow } from "../src/types.js";
import { beds } from "./helpers.js";

const BUCKET = { burst: 10, interval: 100 };

function row(more: Partial<PreparedRow> = {}): PreparedRow {
  const id = uuidv7(Date.now());
  return {
    id,
    tenant: "",
    backend: "default",
    stream: "transactional",
    batch: null,
    priority: 1,
    dueIn: 0,
    dueAt: null,
    expiresIn: null,
    idempotencyKey: id,
    dedupeKey: null,
    dedupeFor: 86_400_000,
    parent: null,
    codec: "json",
    body: new TextEncoder().encode('{"é":"?$1"}'),
    hashes: [],
    ...more,
  };
}

const settled = (ref: Ref, more: Partial<Settlement> = {}): Settlement => ({
  id: ref.id,
  attempt: ref.attempt,
  state: "accepted",
  provider: "Fake",
  providerId: "m1",
  recipients: JSON.stringify({ "a@example.com": { status: "queued", messageId: "m1" } }),
  reason: null,
  ...more,
});

const deferred = (ref: Ref, more: Partial<Deferral> = {}): Deferral => ({
  id: ref.id,
  attempt: ref.attempt,
  to: "deferred",
  wait: 0,
  counts: 1,
  provider: "Fake",
  repeatFor: null,
  delivery: "not-sent",
  status: null,
  code: null,
  error: null,
  reason: "because",
  ...more,
});

describe.each(beds)("transitions on $name", (bed) => {
  async function start(): Promise<{
    store: Store<never>;
    sql: Transitions;
    worker: string;
    other: string;
    state(id: string): Promise<string | undefined>;
    enqueue(...rows: PreparedRow[]): Promise<readonly string[]>;
  }> {
    const store = await bed.open();
    const sql = bed.name === "postgres" ? postgresTransitions(store.names) : sqliteTransitions(store.names);
    await store.run(sql.migrate());
    const [worker, other] = [uuidv7(Date.now()), uuidv7(Date.now())];
    for (const id of [worker, other])
      await store.run(sql.register(id, { host: "h", pid: 1, version: "1", backends: "default" }));
    return {
      store,
      sql,
      worker,
      other,
      state: async (id) => (await store.run(sql.find(id)))?.state,
      enqueue: async (...rows) =>
        (await store.run(sql.enqueue(rows, [])))
          .filter(({ id, holder }) => id === holder)
          .map(({ id }) => id),
    };
  }

  it("makes its tables once, also from several processes at the same time", async () => {
    const { store, sql } = await start();
    expect(await Promise.all([1, 2, 3].map(() => store.run(sql.migrate())))).toEqual([1, 1, 1]);
    expect(await store.run(sql.version())).toEqual({ version: 1, minClient: 1 });
  });

  it("drops a second message with the same key, within a statement, across statements, and until the key expires", async () => {
    const { store, sql, enqueue } = await start();
    const [a, b, c, d] = [
      row({ dedupeKey: "order-1" }),
      row({ dedupeKey: "order-1" }),
      row(),
      row({ dedupeKey: "order-1", tenant: "t" }),
    ];
    const first = await store.run(sql.enqueue([a, b, c, d], []));
    expect(first).toEqual([
      { id: a.id, holder: a.id },
      { id: b.id, holder: a.id },
      { id: c.id, holder: c.id },
      { id: d.id, holder: d.id },
    ]);
    const again = row({ dedupeKey: "order-1", dedupeFor: 0 });
    expect(await store.run(sql.enqueue([again], []))).toEqual([{ id: again.id, holder: a.id }]);
    const short = row({ dedupeKey: "short", dedupeFor: 0 });
    const later = row({ dedupeKey: "short" });
    expect(await enqueue(short)).toEqual([short.id]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await enqueue(later)).toEqual([later.id]);
  });

  it("takes an enqueue that is repeated after a lost commit as done, even when its message was settled by then", async () => {
    const { store, sql, worker, state } = await start();
    const a = row({ dedupeKey: "k" });
    const work = sql.enqueue([a], []);
    await store.run(work);
    const again = { ...work, steps: () => work.steps(1) };
    expect(await store.run(again)).toEqual([{ id: a.id, holder: a.id }]);
    const [claimed] = await store.run(sql.claim(worker, "default", 10));
    await store.run(sql.begin(worker, [{ ...(claimed as Ref), omitted: null }]));
    await store.run(sql.settle(worker, [settled(claimed as Ref)]));
    expect(await store.run(again)).toEqual([{ id: a.id, holder: a.id }]);
    expect(await state(a.id)).toBe("accepted");
    expect(await store.run(sql.due("default"))).toBe(false);
  });

  it("claims what is due by priority, and begins it once for one worker", async () => {
    const { store, sql, worker, other, enqueue } = await start();
    const [late, low, high, normal] = [
      row({ priority: 0, dueIn: 3_600_000 }),
      row({ priority: 3 }),
      row({ priority: 0 }),
      row({ priority: 1 }),
    ];
    await enqueue(late, low, high, normal);
    const first = await store.run(sql.claim(worker, "default", 2));
    expect(first.map(({ id }) => id).sort()).toEqual([high.id, normal.id].sort());
    const rest = await store.run(sql.claim(other, "default", 10));
    expect(rest.map(({ id }) => id)).toEqual([low.id]);
    const refs = first.map(({ id, attempt }) => ({ id, attempt, omitted: null }));
    expect(await store.run(sql.begin(other, refs))).toEqual([]);
    expect((await store.run(sql.begin(worker, refs))).length).toBe(2);
    expect(await store.run(sql.begin(worker, refs))).toEqual([]);
    const [payload] = await store.run(sql.payloads([low.id]));
    expect(new TextDecoder().decode(payload?.body)).toBe('{"é":"?$1"}');
    expect(await store.run(sql.claim(uuidv7(0), "default", 10))).toEqual([]);
  });

  it("defers what is proven unsent, and holds what may have been sent unless a key holds", async () => {
    const { store, sql, worker, state, enqueue } = await start();
    const rows = [row(), row(), row(), row()];
    await enqueue(...rows);
    const claimed = await store.run(sql.claim(worker, "default", 10));
    await store.run(
      sql.begin(
        worker,
        claimed.map(({ id, attempt }) => ({ id, attempt, omitted: null })),
      ),
    );
    const of = (index: number): Ref => claimed.find(({ id }) => id === rows[index]?.id) as Ref;
    await store.run(
      sql.defer(worker, [
        deferred(of(0), { status: 429 }),
        deferred(of(1), { delivery: "unknown", repeatFor: 900_000 }),
        deferred(of(2), { delivery: "unknown", repeatFor: 0 }),
        deferred(of(3), { delivery: "unknown", provider: null }),
      ]),
    );
    expect(await Promise.all(rows.map(({ id }) => state(id)))).toEqual([
      "deferred",
      "deferred",
      "unknown",
      "unknown",
    ]);
    // A later refusal says nothing of the first try: never dead, and never beyond the key's time.
    const again = await store.run(sql.claim(worker, "default", 10));
    expect(again.find(({ id }) => id === rows[1]?.id)?.soleProvider).toBe("Fake");
    await store.run(
      sql.begin(
        worker,
        again.map(({ id, attempt }) => ({ id, attempt, omitted: null })),
      ),
    );
    await store.run(
      sql.defer(
        worker,
        again.map((ref) => deferred(ref, { to: "dead" })),
      ),
    );
    expect(await state(String(rows[0]?.id))).toBe("dead");
    expect(await state(String(rows[1]?.id))).toBe("unknown");
    expect((await store.run(sql.attempts(String(rows[1]?.id)))).length).toBe(2);
    expect(
      await store.run(
        sql.retry(
          rows.map(({ id }) => id),
          false,
        ),
      ),
    ).toEqual([rows[0]?.id]);
    expect(
      (
        await store.run(
          sql.retry(
            rows.map(({ id }) => id),
            true,
          ),
        )
      ).length,
    ).toBe(3);
  });

  it("frees a dead worker's messages by its beat: unsent ones to the queue, begun ones held or repeated under their key", async () => {
    const { store, sql, worker, other, state, enqueue } = await start();
    const [d, e, f] = [row(), row(), row({ backend: "keyed" })];
    await enqueue(d, e, f);
    const claimed = await store.run(sql.claim(other, "default", 10));
    const keyed = await store.run(sql.claim(other, "keyed", 10));
    const begun = [...claimed.filter(({ id }) => id === d.id), ...keyed].map(({ id, attempt }) => ({
      id,
      attempt,
      omitted: null,
    }));
    await store.run(sql.begin(other, begun));
    expect(await store.run(sql.beat(other))).toBe(true);
    const beat = String((await store.run(sql.watch())).find(({ id }) => id === other)?.beat);
    const windows = {
      keyed: { provider: "Fake", repeatFor: 43_200_000 },
      default: { provider: "Other", repeatFor: null },
    };
    expect(await store.run(sql.reap(other, String(Number(beat) - 1), windows))).toBeUndefined();
    expect((await store.run(sql.reap(other, beat, windows)))?.length).toBe(3);
    expect([await state(d.id), await state(e.id), await state(f.id)]).toEqual([
      "unknown",
      "queued",
      "deferred",
    ]);
    // The dead one awakes: it can claim, begin and defer nothing, but what it knows of an acceptance counts.
    expect(await store.run(sql.beat(other))).toBe(false);
    expect(await store.run(sql.claim(other, "default", 10))).toEqual([]);
    expect(await store.run(sql.begin(other, begun))).toEqual([]);
    expect(
      await store.run(
        sql.defer(
          other,
          begun.map((ref) => deferred(ref)),
        ),
      ),
    ).toEqual([]);
    expect(
      (
        await store.run(
          sql.settle(
            other,
            begun.map((ref) => settled(ref)),
          ),
        )
      ).length,
    ).toBe(2);
    expect([await state(d.id), await state(f.id)]).toEqual(["accepted", "accepted"]);
    expect((await store.run(sql.claim(worker, "default", 10))).map(({ id }) => id)).toEqual([e.id]);
  });

  it("frees rows whose worker has no row any more", async () => {
    const { store, sql, other, state, enqueue } = await start();
    const [a, b] = [row(), row()];
    await enqueue(a, b);
    const claimed = await store.run(sql.claim(other, "default", 10));
    const one = claimed.find(({ id }) => id === a.id) as Ref;
    await store.run(sql.begin(other, [{ ...one, omitted: null }]));
    await store.query("DELETE FROM posthorn_worker WHERE id = $1", [other]);
    expect((await store.run(sql.orphans({}))).length).toBe(2);
    expect([await state(a.id), await state(b.id)]).toEqual(["unknown", "queued"]);
  });

  it("settles an unknown message by its event, whether it comes before or after", async () => {
    const { store, sql, other, state, enqueue } = await start();
    const [a, b] = [row(), row()];
    await enqueue(a, b);
    const claimed = await store.run(sql.claim(other, "default", 10));
    await store.run(
      sql.begin(
        other,
        claimed.map(({ id, attempt }) => ({ id, attempt, omitted: null })),
      ),
    );
    const event = {
      key: "k",
      recipient: null,
      type: "delivered",
      at: Date.now(),
      detail: null,
      always: false,
    };
    await store.run(sql.noteEvent({ ...event, id: a.id }));
    await store.run(sql.noteEvent({ ...event, id: uuidv7(0) }));
    await store.run(sql.reap(other, "0", {}));
    expect(await store.run(sql.provenByEvents())).toEqual([a.id]);
    expect(await store.run(sql.proven(b.id, "Fake", "m", "proven by an event"))).toBe(true);
    expect([await state(a.id), await state(b.id)]).toEqual(["accepted", "accepted"]);
  });

  it("returns what was not sent, and what it does not know of", async () => {
    const { store, sql, worker, state, enqueue } = await start();
    const [a, b] = [row(), row()];
    await enqueue(a, b);
    const claimed = await store.run(sql.claim(worker, "default", 10));
    const one = claimed.find(({ id }) => id === a.id) as Ref;
    await store.run(sql.begin(worker, [{ ...one, omitted: null }]));
    expect(await store.run(sql.letGo(worker, []))).toEqual([b.id]);
    expect(await store.run(sql.unbegin(worker, [one]))).toEqual([a.id]);
    expect([await state(a.id), await state(b.id)]).toEqual(["queued", "queued"]);
  });

  it("cancels by id and by batch, but nothing that may have been sent", async () => {
    const { store, sql, worker, state, enqueue } = await start();
    const [a, b, c] = [row(), row({ batch: "x" }), row({ batch: "x" })];
    await enqueue(a, b, c);
    const claimed = await store.run(sql.claim(worker, "default", 10));
    await store.run(
      sql.begin(
        worker,
        claimed.map(({ id, attempt }) => ({ id, attempt, omitted: null })),
      ),
    );
    await store.run(
      sql.defer(
        worker,
        claimed.map((ref) => deferred(ref, ref.id === c.id ? { delivery: "unknown", repeatFor: 9e5 } : {})),
      ),
    );
    expect(await store.run(sql.cancel([a.id], null))).toEqual([a.id]);
    expect(await store.run(sql.cancel([], "x"))).toEqual([b.id]);
    expect([await state(a.id), await state(b.id), await state(c.id)]).toEqual([
      "cancelled",
      "cancelled",
      "deferred",
    ]);
  });

  it("gives no more permits than the bucket has, and none while paused", async () => {
    const { store, sql } = await start();
    const grants = await Promise.all([1, 2, 3, 4].map(() => store.run(sql.permit("default", 8, BUCKET))));
    const sum = grants.reduce((total, { granted }) => total + granted, 0);
    expect(sum).toBeGreaterThanOrEqual(10);
    // One more for each tenth of a second that the four statements took.
    expect(sum).toBeLessThanOrEqual(30);
    await store.run(sql.giveBack("default", 5, BUCKET));
    expect((await store.run(sql.permit("default", 5, BUCKET))).granted).toBe(5);
    await store.run(sql.pause("default", 60_000, "by request"));
    const paused = await store.run(sql.permit("default", 8, BUCKET));
    expect(paused.granted).toBe(0);
    expect(paused.pausedFor).toBeGreaterThan(50_000);
    await store.run(sql.resume("default"));
    expect(await store.run(sql.paused("default"))).toBe(0);
  });

  it("stores a blob once, and purges it when nothing refers to it", async () => {
    const { store, sql, enqueue, worker } = await start();
    const bytes = new Uint8Array([0, 1, 2, 255]);
    const blob = { hash: "ab".repeat(32), codec: "raw", size: 4, bytes };
    const [a, b] = [row({ hashes: [blob.hash] }), row({ hashes: [blob.hash] })];
    await store.run(sql.enqueue([a], [blob]));
    await store.run(sql.enqueue([b], [blob]));
    expect(await store.run(sql.blobs([blob.hash]))).toEqual([blob]);
    const old = bed.name === "postgres" ? "created_at - interval '2 days'" : "created_at - 172800000";
    await store.query(`UPDATE posthorn_blob SET created_at = ${old}`, []);
    expect(await store.run(sql.purgeBlobs(100))).toEqual([]);
    const claimed = await store.run(sql.claim(worker, "default", 10));
    await store.run(
      sql.settle(
        worker,
        claimed.map((ref) => settled(ref)),
      ),
    );
    expect(await store.run(sql.purgeBlobs(100))).toEqual([{ hash: blob.hash, external: false }]);
    expect(await enqueue(row())).toHaveLength(1);
  });

  it("keeps a send log, and purges it by age", async () => {
    const { store, sql, enqueue, worker } = await start();
    const a = row();
    await enqueue(a);
    const claimed = await store.run(sql.claim(worker, "default", 10));
    await store.run(
      sql.settle(
        worker,
        claimed.map((ref) => settled(ref)),
      ),
    );
    const bound = "ffffffff-ffff-ffff-ffff-ffffffffffff";
    expect(await store.run(sql.purgePersonal(60_000, bound, 10))).toBe(0);
    expect((await store.run(sql.find(a.id)))?.recipients).toContain("a@example.com");
    expect(await store.run(sql.erase("a@example.com"))).toBe(1);
    expect(JSON.parse(String((await store.run(sql.find(a.id)))?.recipients))).toEqual({});
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await store.run(sql.purgePersonal(0, bound, 10))).toBe(1);
    expect((await store.run(sql.find(a.id)))?.recipients).toBeNull();
    expect(await store.run(sql.purgeSettled(0, bound, 10))).toBe(1);
    expect(await store.run(sql.find(a.id))).toBeUndefined();
  });
});
