import { PosthornError } from "@posthorn/core";
import { makeResult } from "@posthorn/core/provider";
import type { TrackingEvent } from "@posthorn/core/webhooks";
import { describe, expect, it } from "vitest";
import { createOutbox, type Outbox, type OutboxOptions } from "../src/index.js";
import { apiError, beds, lost, message, refused, ScriptedBackend } from "./helpers.js";

/** An event as a provider's webhook gives it. */
function event(id: string, more: Partial<TrackingEvent> = {}): TrackingEvent {
  const none = {
    eventId: "e1",
    messageId: "m9",
    recipient: "ada@example.com",
    timestamp: new Date(),
    rejectReason: null,
  };
  return {
    provider: "Fake",
    eventType: "delivered",
    ...none,
    description: null,
    mtaResponse: null,
    tags: [],
    metadata: { posthorn_id: id },
    clickUrl: null,
    userAgent: null,
    raw: null,
    ...more,
  } as TrackingEvent;
}

describe.each(beds)("outbox on $name", (bed) => {
  async function start(
    backend = new ScriptedBackend(),
    more: Partial<OutboxOptions<never>> = {},
  ): Promise<{ outbox: Outbox<never>; backend: ScriptedBackend; lines: string[] }> {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const outbox = createOutbox({
      store: await bed.open(),
      backends: { default: backend },
      retry: { backoffFactor: 0, backoffJitter: 0 },
      logger: { info: log, warn: log, error: log },
      ...more,
    });
    await outbox.migrate();
    return { outbox, backend, lines };
  }
  const stateOf = async (outbox: Outbox<never>, id: string): Promise<string | undefined> =>
    (await outbox.status(id))?.state;

  it("sends what is queued, once, and logs what came of it", async () => {
    const { outbox, backend } = await start();
    const { id, duplicate } = await outbox.enqueue(message());
    expect(duplicate).toBe(false);
    expect((await outbox.drain()).accepted).toBe(1);
    expect((await outbox.drain()).accepted).toBe(0);
    expect(backend.sent).toHaveLength(1);
    expect(backend.sent[0]?.metadata).toEqual({ posthorn_id: id });
    expect(await outbox.status(id)).toMatchObject({
      state: "accepted",
      provider: "Fake",
      attempts: 1,
      recipients: { "ada@example.com": { status: "queued", messageId: "id-1" } },
      log: [],
    });
  });

  it("tries again what is proven unsent, with the same key, and gives up after the tries it was told", async () => {
    const backend = new ScriptedBackend("Fake", { idempotencyWindow: 86_400_000 });
    const { outbox } = await start(backend, { retry: { total: 2, backoffFactor: 0, backoffJitter: 0 } });
    backend.steps.push(refused(), apiError(503, { delivery: "not-sent" }));
    const { id } = await outbox.enqueue(message());
    const counts = await outbox.drain();
    expect(counts).toMatchObject({ accepted: 1, deferred: 2 });
    expect(new Set(backend.sent.map((sent) => sent.idempotencyKey))).toEqual(new Set([id]));
    backend.steps.push(refused(), refused(), refused());
    const second = await outbox.enqueue(message());
    expect(await outbox.drain()).toMatchObject({ dead: 1, deferred: 2 });
    expect(await outbox.status(second.id)).toMatchObject({ state: "dead", attempts: 3 });
    expect((await outbox.status(second.id))?.reason).toContain("given up after 3 tries");
    expect(await outbox.retry(second.id)).toEqual([second.id]);
    expect((await outbox.drain()).accepted).toBe(1);
  });

  it("holds what may have been sent without a key, loudly, and never sends it again by itself", async () => {
    const { outbox, backend, lines } = await start();
    backend.steps.push(lost());
    const { id } = await outbox.enqueue(message());
    expect((await outbox.drain()).unknown).toBe(1);
    expect((await outbox.drain()).accepted).toBe(0);
    expect(backend.sent).toHaveLength(1);
    expect(lines.join()).toContain("may have been sent");
    expect((await outbox.status(id))?.reason).toContain("webhook");
    expect((await outbox.stats()).warnings.join()).toContain("held");
    expect(await outbox.retry(id)).toEqual([]);
    expect(await outbox.cancel(id)).toEqual([]);
    await outbox.onEvent(event(id, { eventType: "bounced" }));
    expect(await outbox.status(id)).toMatchObject({ state: "accepted", providerId: "m9" });
  });

  it("settles an unknown message by a person's word, either way", async () => {
    const { outbox, backend } = await start();
    backend.steps.push(lost(), lost());
    const [a, b] = [await outbox.enqueue(message()), await outbox.enqueue(message())];
    await outbox.drain();
    expect(await outbox.resolve(a.id, "accepted")).toBe(true);
    expect(await outbox.resolve(a.id, "accepted")).toBe(false);
    expect(await outbox.resolve(b.id, "not-sent")).toBe(true);
    expect((await outbox.drain()).accepted).toBe(1);
    expect(backend.sent).toHaveLength(3);
  });

  it("sends unknown messages again after a time when it is told to take that risk", async () => {
    const { outbox, backend } = await start(undefined, { onUnknown: { resendAfter: 1 } });
    backend.steps.push(lost());
    const { id } = await outbox.enqueue(message());
    await outbox.drain();
    const worker = outbox.worker({ leaseFor: 300 });
    const done = worker.run();
    await expect.poll(() => stateOf(outbox, id), { timeout: 10_000 }).toBe("accepted");
    await worker.stop();
    await done;
    expect(backend.sent).toHaveLength(2);
  });

  it("repeats what may have been sent as long as the provider keeps the key, and holds it after that", async () => {
    const keyed = new ScriptedBackend("Fake", { idempotencyWindow: 86_400_000 });
    const { outbox } = await start(keyed);
    keyed.steps.push(lost(), refused(), lost());
    const { id } = await outbox.enqueue(message());
    expect(await outbox.drain()).toMatchObject({ accepted: 1, deferred: 3, unknown: 0 });
    expect(keyed.sent.map((sent) => sent.idempotencyKey)).toEqual([id, id, id, id]);
    const short = new ScriptedBackend("Fake", { idempotencyWindow: 2 });
    const { outbox: second } = await start(short, { retry: { backoffFactor: 1, backoffJitter: 0 } });
    short.steps.push(lost());
    await second.enqueue(message());
    expect(await second.drain()).toMatchObject({ unknown: 1 });
  });

  it("does not hand what one provider may have to another", async () => {
    const keyed = new ScriptedBackend("One", { idempotencyWindow: 86_400_000 });
    const { outbox } = await start(keyed);
    keyed.steps.push(lost());
    const { id } = await outbox.enqueue(message());
    await outbox.drain({ limit: 1 });
    expect(await stateOf(outbox, id)).toBe("deferred");
    const other = new ScriptedBackend("Two", { idempotencyWindow: 86_400_000 });
    const moved = createOutbox({ store: outbox.store, backends: { default: other }, logger: false });
    expect((await moved.drain()).unknown).toBe(1);
    expect(other.sent).toEqual([]);
  });

  it("buries what is wrong with a message, and goes on with the others", async () => {
    const { outbox, backend } = await start();
    backend.steps.push(apiError(422), new PosthornError("Fake: the hook failed"));
    const ids = [];
    for (let index = 0; index < 4; index++) ids.push((await outbox.enqueue(message())).id);
    expect(await outbox.drain()).toMatchObject({ dead: 2, accepted: 2 });
    const dead = await outbox.list({ state: "dead" });
    expect(dead.items).toHaveLength(2);
    expect(dead.items.map(({ reason }) => reason).join()).toContain("422");
  });

  it("pauses the backend when the account is at fault, and makes no dead letters of it", async () => {
    const { outbox, backend, lines } = await start();
    backend.steps.push(...Array.from({ length: 8 }, () => apiError(401)));
    for (let index = 0; index < 20; index++) await outbox.enqueue(message());
    const counts = await outbox.drain({ concurrency: 8 });
    expect(counts).toMatchObject({ dead: 0, deferred: 8, accepted: 0 });
    const stats = await outbox.stats();
    expect(stats.backends["default"]?.pausedUntil?.getTime()).toBeGreaterThan(Date.now() + 200_000);
    expect(stats.backends["default"]?.["queued"]).toBe(12);
    expect(lines.join()).toContain("paused");
    await outbox.resume("default");
    expect((await outbox.drain()).accepted).toBe(12);
  });

  it("stops the whole backend for a Retry-After", async () => {
    const { outbox, backend } = await start();
    backend.steps.push(apiError(429, { retryAt: new Date(Date.now() + 60_000) }));
    await outbox.enqueue(message());
    expect((await outbox.drain()).deferred).toBe(1);
    await outbox.enqueue(message());
    expect((await outbox.drain()).accepted).toBe(0);
    expect(backend.sent).toHaveLength(1);
  });

  it("keeps priorities, schedules and expiries", async () => {
    const { outbox, backend } = await start();
    await outbox.enqueue(message("low@example.com"), { priority: "low" });
    await outbox.enqueue(message("later@example.com"), { priority: "high", delay: "1h" });
    await outbox.enqueue(message("dated@example.com"), { sendAt: new Date(Date.now() + 3_600_000) });
    await outbox.enqueue(message("high@example.com"), { priority: "high" });
    const expired = await outbox.enqueue(message("code@example.com"), { expiresIn: 1 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await outbox.drain({ concurrency: 1 })).toMatchObject({ accepted: 2, expired: 1 });
    expect(backend.sent.map((sent) => sent.to)).toEqual([["high@example.com"], ["low@example.com"]]);
    expect(await stateOf(outbox, expired.id)).toBe("expired");
  });

  it("does not queue a second message with the same dedupe key, and tells of the first", async () => {
    const { outbox } = await start();
    const first = await outbox.enqueue(message(), { dedupeKey: "order-42" });
    expect(await outbox.enqueue(message(), { dedupeKey: "order-42" })).toEqual({
      id: first.id,
      duplicate: true,
    });
    expect((await outbox.enqueue(message(), { dedupeKey: "order-42", tenant: "b" })).duplicate).toBe(false);
    expect((await outbox.drain()).accepted).toBe(2);
  });

  it("keeps attachments and large bodies apart, whole, and once", async () => {
    const { outbox, backend } = await start();
    const bytes = crypto.getRandomValues(new Uint8Array(50_000));
    const html = `<p>${"Hello! ".repeat(2000)}</p>`;
    const attachments = [
      { filename: "a.bin", content: new Blob([bytes]).stream() },
      { content: "short" },
      { content: new Blob(["x".repeat(5000)], { type: "text/csv" }), filename: "t.csv" },
    ];
    await outbox.enqueue(message("a@example.com", { attachments }));
    const many = Array.from({ length: 3 }, (_, index) => message(`b${index}@example.com`, { html }));
    expect(await outbox.enqueueMany(many, { batch: "news" })).toEqual({
      batch: "news",
      queued: 3,
      duplicates: 0,
    });
    expect(await outbox.enqueueMany(many, { batch: "news" })).toEqual({
      batch: "news",
      queued: 0,
      duplicates: 3,
    });
    const [{ count }] = (await outbox.store.query("SELECT count(*) AS count FROM posthorn_blob", [])) as [
      { count: unknown },
    ];
    expect(Number(count)).toBe(3);
    expect((await outbox.drain()).accepted).toBe(4);
    expect(await outbox.progress("news")).toEqual({ accepted: 3 });
    const got = backend.sent.find((sent) => sent.attachments)?.attachments ?? [];
    expect(got.map(({ contentType }) => contentType)).toEqual([
      "application/octet-stream",
      "text/plain",
      "text/csv",
    ]);
    expect(new Uint8Array(got[0]?.content as Uint8Array)).toEqual(bytes);
    expect(backend.sent.filter((sent) => sent.html === html)).toHaveLength(3);
  });

  it("leaves out suppressed recipients, by scope, and settles a message that has none left", async () => {
    const { outbox, backend } = await start();
    await outbox.suppress("Gone@Example.com");
    await outbox.suppress("no-news@example.com", { scope: "newsletter" });
    const none = await outbox.enqueue(message("gone@example.com"));
    const some = await outbox.enqueue({ ...message("Ada <ada@example.com>"), cc: ["gone@example.com"] });
    await outbox.enqueue(message("no-news@example.com"), { stream: "newsletter" });
    await outbox.enqueue(message("no-news@example.com"));
    expect(await outbox.drain()).toMatchObject({ suppressed: 2, accepted: 2 });
    expect(
      backend.sent.flatMap((sent) => [...(sent.to as string[]), ...((sent.cc ?? []) as string[])]),
    ).toEqual(expect.arrayContaining(["Ada <ada@example.com>", "no-news@example.com"]));
    expect((await outbox.status(none.id))?.state).toBe("suppressed");
    expect((await outbox.status(some.id))?.recipients?.["gone@example.com"]).toEqual({
      status: "suppressed",
      messageId: null,
    });
    expect((await outbox.suppressions()).items).toHaveLength(2);
    expect(await outbox.unsuppress("gone@example.com")).toBe(1);
  });

  it("learns suppressions from events, with their scopes", async () => {
    const { outbox } = await start();
    const news = await outbox.enqueue(message("a@example.com"), { stream: "newsletter" });
    const receipt = await outbox.enqueue(message("b@example.com"));
    await outbox.drain();
    await outbox.onEvent(event(news.id, { eventType: "unsubscribed", recipient: "a@example.com" }));
    await outbox.onEvent(event(receipt.id, { eventType: "unsubscribed", recipient: "b@example.com" }));
    await outbox.onEvent(event(receipt.id, { eventType: "deferred", recipient: "b@example.com" }));
    await outbox.onEvent(
      event("not-an-id", { eventType: "bounced", recipient: "C@example.com", rejectReason: "bounced" }),
    );
    await outbox.onEvent(
      event(receipt.id, { eventType: "bounced", recipient: "d@example.com", rejectReason: "spam" }),
    );
    const found = (await outbox.suppressions()).items.map(({ address, scope, reason }) => [
      address,
      scope,
      reason,
    ]);
    expect(found).toEqual([
      ["a@example.com", "newsletter", "unsubscribed"],
      ["c@example.com", "*", "bounced"],
    ]);
  });

  it("notes in the database which webhook events were handled", async () => {
    const { outbox } = await start();
    expect(await outbox.eventStore.claim("k")).toBe("new");
    expect(await outbox.eventStore.claim("k")).toBe("busy");
    await outbox.eventStore.release("k");
    expect(await outbox.eventStore.claim("k")).toBe("new");
    await outbox.eventStore.complete("k");
    expect(await outbox.eventStore.claim("k")).toBe("done");
  });

  it("queues the recipients that a batch left unsent as a message of their own", async () => {
    const { outbox, backend } = await start();
    const given = message("a@example.com", {
      to: ["a@example.com", "b@example.com"],
      mergeData: { "a@example.com": { n: 1 }, "b@example.com": { n: 2 } },
    });
    backend.steps.push(async () =>
      makeResult({
        provider: "Fake",
        recipients: {
          "a@example.com": { status: "queued", messageId: "1" },
          "b@example.com": { status: "failed", messageId: null },
        },
        errors: [refused()],
      }),
    );
    const { id } = await outbox.enqueue(given);
    expect((await outbox.drain()).accepted).toBe(2);
    expect(backend.sent[1]?.to).toEqual(["b@example.com"]);
    expect(backend.sent[1]?.mergeData).toEqual({ "b@example.com": { n: 2 } });
    const rest = (await outbox.list()).items.find((item) => item.id !== id);
    expect(backend.sent[1]?.metadata).toEqual({ posthorn_id: rest?.id });
    expect((await outbox.status(String(rest?.id)))?.parent).toBe(id);
  });

  it("refuses at once what could never be sent, naming the field", async () => {
    const { outbox } = await start(undefined, { maxBytes: 50_000 });
    await expect(outbox.enqueue({ ...message(), to: ["no address"] })).rejects.toMatchObject({
      field: "to[0]",
    });
    await expect(outbox.enqueue(message(), { backend: "none" })).rejects.toThrow('no backend "none"');
    await expect(outbox.enqueue(message(), { delay: "soon" as never })).rejects.toThrow('"delay"');
    await expect(
      outbox.enqueue(
        message("a@example.com", { attachments: [{ filename: "x", content: new Uint8Array(60_000) }] }),
      ),
    ).rejects.toThrow("too large");
    expect((await outbox.list()).items).toEqual([]);
  });

  it("stops gracefully: what is under way is settled, and nothing else begins", async () => {
    const { outbox, backend } = await start();
    let release: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = async (given: Parameters<ScriptedBackend["accepted"]>[0]) => {
      await gate;
      return backend.accepted(given);
    };
    backend.steps.push(slow, slow);
    for (let index = 0; index < 5; index++) await outbox.enqueue(message());
    const worker = outbox.worker({ concurrency: 2 });
    const done = worker.run();
    await expect.poll(() => backend.sent.length, { timeout: 10_000 }).toBe(2);
    const stopped = worker.stop();
    release();
    await Promise.all([stopped, done]);
    expect(worker.counts.accepted).toBe(2);
    expect(backend.sent).toHaveLength(2);
    const stats = await outbox.stats();
    expect(stats.backends["default"]?.["queued"]).toBe(3);
    expect(stats.workers).toEqual([]);
  });

  it("lets a listener fail without losing what was settled", async () => {
    const { outbox, lines } = await start();
    await outbox.enqueue(message());
    const worker = outbox.worker().on("accepted", () => {
      throw new Error("oh no");
    });
    const done = worker.run();
    await expect.poll(() => worker.counts.accepted, { timeout: 10_000 }).toBe(1);
    await worker.stop();
    await done;
    expect(lines.join()).toContain("oh no");
  });

  it("erases a person, and lists page by page", async () => {
    const { outbox } = await start();
    for (let index = 0; index < 5; index++) await outbox.enqueue(message(`u${index}@example.com`));
    await outbox.drain({ limit: 2 });
    const first = await outbox.list({}, { limit: 3 });
    const second = await outbox.list({}, { limit: 3, after: String(first.next) });
    expect([...first.items, ...second.items].map(({ id }) => id)).toHaveLength(5);
    expect(second.next).toBeUndefined();
    for (let index = 0; index < 5; index++) await outbox.purge({ address: `U${index}@example.com` });
    const all = (await outbox.list()).items;
    expect(all.map(({ state }) => state).sort()).toEqual([
      "accepted",
      "accepted",
      "cancelled",
      "cancelled",
      "cancelled",
    ]);
    for (const { id } of all) expect(JSON.stringify(await outbox.status(id))).not.toContain("@example.com");
    expect(await outbox.purge()).toMatchObject({ settled: 0, held: 0 });
  });
});
