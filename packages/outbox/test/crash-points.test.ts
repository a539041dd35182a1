import type { Message } from "@posthorn/core";
import { describe, expect, it } from "vitest";
import { createOutbox, type Outbox, type OutboxClock } from "../src/index.js";
import type { Store, Work } from "../src/store.js";
import { DEEP } from "./chaos/rounds.js";
import { beds, lost, message, refused, ScriptedBackend } from "./helpers.js";

/** Sleeps pass 20 times as fast. */
const fast: OutboxClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(callback, ms) {
    const id = setTimeout(callback, Math.max(1, ms / 20));
    return () => clearTimeout(id);
  },
  random: () => 0.5,
};

/** A provider that takes "fine", takes "lost" without an answer, and refuses "busy" once. */
class CountingBackend extends ScriptedBackend {
  readonly taken = new Map<string, number>();
  private readonly refusals = new Set<string>();

  override async send(given: Message): ReturnType<ScriptedBackend["send"]> {
    const id = String(given.metadata?.["posthorn_id"]);
    if (given.subject === "busy" && !this.refusals.has(id)) {
      this.refusals.add(id);
      throw refused();
    }
    this.taken.set(id, (this.taken.get(id) ?? 0) + 1);
    if (given.subject === "lost") throw lost();
    return this.accepted(given);
  }
}

/** A store whose nth unit of work fails, before or after it is done. */
function failing(store: Store<never>, at: number, when: "before" | "after", isFatal: boolean) {
  let count = 0;
  let isDead = false;
  const never = new Promise<never>(() => {});
  const run = async <T>(work: Work<T>): Promise<T> => {
    if (isDead) return never;
    const isNow = count++ === at;
    if (isNow && when === "before") {
      isDead = isFatal;
      if (isFatal) return never;
      throw new Error("failpoint before");
    }
    const value = await store.run(work);
    if (isNow) {
      isDead = isFatal;
      if (isFatal) return never;
      throw new Error("failpoint after");
    }
    return value;
  };
  return {
    store: { ...store, run } as Store<never>,
    get reached() {
      return count > at;
    },
  };
}

describe.each(DEEP ? beds : beds.slice(0, 1))("every crash point, on $name", (bed) => {
  const setup = async (
    store: Store<never>,
  ): Promise<{
    backend: CountingBackend;
    ids: readonly string[];
    make: (over: Store<never>) => Outbox<never>;
  }> => {
    const backend = new CountingBackend();
    const make = (over: Store<never>): Outbox<never> =>
      createOutbox<never>({
        store: over,
        backends: { default: backend },
        retry: { backoffFactor: 0, backoffJitter: 0 },
        clock: fast,
        logger: false,
      });
    const outbox = make(store);
    await outbox.migrate();
    const ids = [];
    for (const subject of ["fine", "lost", "busy", "fine"])
      ids.push((await outbox.enqueue(message("ada@example.com", { subject }))).id);
    return { backend, ids, make };
  };
  const states = (outbox: Outbox<never>, ids: readonly string[]): Promise<(string | undefined)[]> =>
    Promise.all(ids.map(async (id) => (await outbox.status(id))?.state));

  it.each(["before", "after"] as const)(
    "settles all after a statement that fails %s it is done",
    { timeout: 120_000 },
    async (when) => {
      let reached = true;
      for (let at = 0; reached && at < 60; at++) {
        const store = await bed.open();
        const { backend, ids, make } = await setup(store);
        const broken = failing(store, at, when, false);
        const worker = make(broken.store)
          .worker({ concurrency: 2 })
          .on("error", () => {});
        const running = worker.run();
        await expect
          .poll(() => states(make(store), ids), { timeout: 10_000, interval: 10 })
          .toEqual(["accepted", "unknown", "accepted", "accepted"]);
        await worker.stop();
        await running;
        ({ reached } = broken);
        expect([...backend.taken.values()], `failpoint ${at}`).toEqual([1, 1, 1, 1]);
        // A sign-off that failed leaves a row that others find dead.
        expect((await make(store).stats()).workers.length).toBeLessThanOrEqual(reached ? 1 : 0);
      }
      expect(reached).toBe(false);
    },
  );

  it.each(["before", "after"] as const)(
    "loses and doubles nothing when the process dies %s any statement",
    { timeout: 240_000 },
    async (when) => {
      let reached = true;
      for (let at = 0; reached && at < 40; at++) {
        const store = await bed.open();
        const { backend, ids, make } = await setup(store);
        const broken = failing(store, at, when, true);
        // It is never heard of again.
        void make(broken.store).drain({ concurrency: 2 });
        const ended = async (): Promise<boolean> => {
          const all = await states(make(store), ids);
          return all.every((state) => state === "accepted" || state === "unknown");
        };
        await new Promise((resolve) => setTimeout(resolve, 60));
        const rescuer = make(store).worker({ leaseFor: 100, concurrency: 2 });
        const running = rescuer.run();
        await expect.poll(ended, { timeout: 15_000, interval: 10 }).toBe(true);
        await rescuer.stop();
        await running;
        ({ reached } = broken);
        for (const [id, count] of backend.taken) expect(count, `failpoint ${at}, ${id}`).toBe(1);
        const all = await states(make(store), ids);
        for (const [index, state] of all.entries())
          if (state === "accepted") expect(backend.taken.get(String(ids[index])), `failpoint ${at}`).toBe(1);
        expect(all[1], "what was never answered is not accepted").toBe("unknown");
      }
      expect(reached).toBe(false);
    },
  );
});
