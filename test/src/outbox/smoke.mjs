// Queues and sends over SQLite with the driver that the runtime has: prints what came of it as JSON.

import { createOutbox } from "@posthorn/outbox";
import { openSqlite, sqliteStore } from "@posthorn/outbox/sqlite";
import { memory } from "@posthorn/testing";

const arguments_ = globalThis.Deno?.args ?? process.argv.slice(2);
const database = await openSqlite(arguments_[0]);
const backend = memory();
const outbox = createOutbox({
  store: sqliteStore(database, { closes: true, pollEvery: 5 }),
  backends: { default: backend },
  logger: false,
});
await outbox.migrate();
const file = { filename: "a.bin", content: new Uint8Array(9000).fill(5) };
const message = (more) => ({
  from: "a@example.com",
  to: ["b@example.com"],
  subject: "é?",
  text: "Hi",
  ...more,
});
const queued = await outbox.enqueue(message({ attachments: [file] }), { dedupeKey: "k" });
const again = await outbox.enqueue(message(), { dedupeKey: "k" });
const dropped = await outbox.prepare(message());
database.exec("BEGIN IMMEDIATE");
outbox.insertSync(dropped, database);
database.exec("ROLLBACK");
const kept = await outbox.prepare(message());
database.exec("BEGIN IMMEDIATE");
outbox.insertSync(kept, database);
database.exec("COMMIT");
const counts = await outbox.drain();
const status = await outbox.status(queued.id);
const rolledBack = (await outbox.status(dropped.id)) ?? null;
const { warnings } = await outbox.stats();
await outbox.store.close();
console.log(
  JSON.stringify({
    duplicate: again.duplicate,
    accepted: counts.accepted,
    state: status.state,
    rolledBack,
    sent: backend.outbox.length,
    warnings,
  }),
);
