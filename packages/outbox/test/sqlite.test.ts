import { describe, expect, it } from "vitest";
import { createOutbox } from "../src/index.js";
import { openSqlite, sqliteStore } from "../src/sqlite/index.js";
import { message, ScriptedBackend, sqliteFile } from "./helpers.js";

describe("the caller's transaction on SQLite", () => {
  it("commits and rolls back together with synchronous work", async () => {
    const file = sqliteFile();
    const db = file.open();
    const backend = new ScriptedBackend();
    const outbox = createOutbox({ store: sqliteStore(db), backends: { default: backend }, logger: false });
    await outbox.migrate();
    db.exec("CREATE TABLE orders (id TEXT PRIMARY KEY)");
    const attachments = [{ filename: "a.bin", content: new Uint8Array(9000).fill(3) }];
    const kept = await outbox.prepare(message("ada@example.com", { attachments }), { dedupeKey: "k" });
    db.exec("BEGIN IMMEDIATE");
    db.exec("INSERT INTO orders VALUES ('kept')");
    expect(outbox.insertSync(kept, db)).toEqual({ id: kept.id, duplicate: false });
    db.exec("COMMIT");
    const dropped = await outbox.prepare(message());
    db.exec("BEGIN IMMEDIATE");
    outbox.insertSync(dropped, db);
    db.exec("ROLLBACK");
    expect((await outbox.status(kept.id))?.state).toBe("queued");
    expect(await outbox.status(dropped.id)).toBeUndefined();
    const again = await outbox.prepare(message(), { dedupeKey: "k" });
    expect(outbox.insertSync(again, db)).toEqual({ id: kept.id, duplicate: true });
    expect((await outbox.drain()).accepted).toBe(1);
    expect(backend.sent[0]?.attachments?.[0]?.content).toEqual(attachments[0]?.content);
  });

  it("gives its statements for databases that take them as a list", async () => {
    const file = sqliteFile();
    const db = file.open();
    const outbox = createOutbox({
      store: sqliteStore(db),
      backends: { default: new ScriptedBackend() },
      logger: false,
    });
    await outbox.migrate();
    const prepared = await outbox.prepare(
      message("a@example.com", { attachments: [{ filename: "a", content: new Uint8Array(5000) }] }),
    );
    db.exec("BEGIN IMMEDIATE");
    for (const { sql, params } of outbox.statements(prepared)) {
      const statement = db.prepare(sql);
      if (/^\s*SELECT/.test(sql)) statement.all(...(params as never[]));
      else statement.run(...(params as never[]));
    }
    db.exec("COMMIT");
    expect((await outbox.drain()).accepted).toBe(1);
  });

  it("waits while the application's own transaction is open on a shared connection", async () => {
    const file = sqliteFile();
    const db = file.open();
    const outbox = createOutbox({
      store: sqliteStore(db),
      backends: { default: new ScriptedBackend() },
      logger: false,
    });
    await outbox.migrate();
    db.exec("BEGIN IMMEDIATE");
    const queued = outbox.enqueue(message());
    await new Promise((resolve) => setTimeout(resolve, 30));
    db.exec("ROLLBACK");
    const { id } = await queued;
    expect((await outbox.status(id))?.state).toBe("queued");
  });

  it("keeps an outcome while the disk is full, and writes it when there is room", async () => {
    const file = sqliteFile();
    const db = file.open();
    const backend = new ScriptedBackend();
    const outbox = createOutbox({ store: sqliteStore(db), backends: { default: backend }, logger: false });
    await outbox.migrate();
    const { id } = await outbox.enqueue(message());
    const [{ page_count }] = db.prepare("PRAGMA page_count").all() as [{ page_count: number }];
    let fill: () => void = () => {};
    const filled = new Promise<void>((resolve) => {
      fill = resolve;
    });
    backend.steps.push(async (given) => {
      db.exec(`PRAGMA max_page_count = ${page_count + 30}`);
      db.exec("CREATE TABLE filler (x BLOB)");
      // Takes every page that is left.
      try {
        for (;;) db.exec("INSERT INTO filler VALUES (randomblob(2000))");
      } catch {
        fill();
      }
      return backend.accepted(given);
    });
    const big = message("b@example.com", { text: "x".repeat(50_000) });
    const worker = outbox.worker();
    const done = worker.run();
    await filled;
    await expect(outbox.enqueue(big)).rejects.toThrow(/full/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    db.exec("DROP TABLE filler");
    db.exec("PRAGMA max_page_count = 100000");
    await expect.poll(() => worker.counts.accepted, { timeout: 15_000 }).toBe(1);
    await worker.stop();
    await done;
    expect((await outbox.status(id))?.state).toBe("accepted");
    expect(backend.sent).toHaveLength(1);
    expect(db.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  });

  it("opens a file with the driver that the runtime has", async () => {
    const { path } = sqliteFile();
    const db = await openSqlite(path);
    expect(sqliteStore(db, { closes: true }).dialect).toBe("sqlite");
    db.close();
  });
});
