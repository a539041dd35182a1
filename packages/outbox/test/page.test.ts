import { describe, expect, it } from "vitest";
import { migrate, sql, status } from "../src/commands/index.js";
import { createOutbox, type Outbox } from "../src/index.js";
import { outboxPage } from "../src/page/index.js";
import { sqliteStore } from "../src/sqlite/index.js";
import {
  apiError,
  beds,
  lost,
  message,
  POSTGRES_URL,
  ScriptedBackend,
  schemaPool,
  sqliteFile,
} from "./helpers.js";

const EVIL = `<script>alert(1)</script>"'&`;

async function start(): Promise<{
  outbox: Outbox<never>;
  path: string;
  dead: string;
  unknown: string;
  queued: string;
}> {
  const file = sqliteFile();
  const backend = new ScriptedBackend();
  const store = sqliteStore(file.open()) as never;
  const outbox = createOutbox<never>({
    store,
    backends: { default: backend, [EVIL]: backend },
    logger: false,
  });
  await outbox.migrate();
  backend.steps.push(apiError(422, { body: EVIL }), lost());
  const error = apiError(422);
  Object.defineProperty(error, "message", { value: `Fake said ${EVIL}` });
  backend.steps[0] = error;
  const { id: dead } = await outbox.enqueue(message(), { stream: EVIL, batch: EVIL });
  await outbox.drain({ limit: 1 });
  const { id: unknown } = await outbox.enqueue(message());
  await outbox.drain();
  const { id: queued } = await outbox.enqueue(message(), { backend: EVIL });
  await outbox.onEvent({
    esp: EVIL,
    provider: EVIL,
    eventType: "opened",
    eventId: 1,
    messageId: null,
    recipient: "a@example.com",
    timestamp: new Date(),
    rejectReason: null,
    description: EVIL,
    mtaResponse: null,
    tags: [],
    metadata: { posthorn_id: dead },
    clickUrl: null,
    userAgent: null,
    raw: null,
  } as never);
  return { outbox, path: file.path, dead, unknown, queued };
}

describe("the page", () => {
  const ask = (url: string, init?: RequestInit): Request => new Request(`http://admin.example${url}`, init);

  it("shows the queue, lists and messages, with nothing from messages as markup", async () => {
    const { outbox, dead, unknown } = await start();
    const page = outboxPage(outbox, { authorize: () => true, basePath: "/outbox/" });
    for (const path of [
      "/outbox",
      "/outbox/",
      "/outbox/messages",
      "/outbox/messages?state=dead",
      `/outbox/messages/${dead}`,
      `/outbox/messages/${unknown}`,
    ]) {
      const response = await page(ask(path));
      const text = await response.text();
      expect(response.status, path).toBe(200);
      expect(text).not.toContain("<script");
      expect(text).not.toContain("<form");
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    }
    const shown = await (await page(ask(`/outbox/messages/${dead}`))).text();
    expect(shown).toContain("&#60;script&#62;");
    expect(shown).toContain("opened");
    expect(await (await page(ask("/outbox"))).text()).toContain("may have been sent");
    for (const path of ["/", "/outbox/none", "/outbox/messages/none", "/outbox/messages/a/b/c"])
      expect((await page(ask(path))).status).toBe(404);
    for (const path of ["/outbox/messages?state=%3Cb%3E", "/outbox/messages?after=x"])
      expect((await page(ask(path))).status).toBe(400);
  });

  it("does nothing unless it is asked to, and nothing for other sites", async () => {
    const { outbox, dead, unknown, queued } = await start();
    expect(() => outboxPage(outbox, {} as never)).toThrow('"authorize" is required');
    const reading = outboxPage(outbox, { authorize: () => true });
    const own = { method: "POST", headers: { origin: "http://admin.example" } };
    expect((await reading(ask(`/messages/${dead}/retry`, own))).status).toBe(405);
    const closed = outboxPage(outbox, { authorize: async () => false, actions: true });
    expect((await closed(ask("/"))).status).toBe(403);
    const page = outboxPage(outbox, { authorize: () => true, actions: true });
    for (const headers of [
      {},
      { origin: "http://evil.example" },
      { "sec-fetch-site": "cross-site", origin: "http://admin.example" },
    ])
      expect(
        (
          await page(
            ask(`/messages/${dead}/retry`, { method: "POST", headers: headers as Record<string, string> }),
          )
        ).status,
      ).toBe(403);
    expect((await outbox.status(dead))?.state).toBe("dead");
    expect(await (await page(ask(`/messages/${unknown}`))).text()).toContain("at the risk of a second copy");
    expect((await page(ask(`/messages/${dead}/retry`, own))).status).toBe(303);
    expect((await outbox.status(dead))?.state).toBe("queued");
    await page(ask(`/messages/${unknown}/accepted`, own));
    expect((await outbox.status(unknown))?.state).toBe("accepted");
    await page(ask(`/messages/${queued}/cancel`, own));
    expect((await outbox.status(queued))?.state).toBe("cancelled");
    expect((await page(ask(`/messages/${queued}/drop`, own))).status).toBe(404);
  });
});

describe("the commands", () => {
  it("migrate, and tell how the queue stands", async () => {
    const { path } = sqliteFile();
    expect(await migrate({ database: path })).toContain("up to date");
    expect(await migrate({ database: `file:${path}` })).toContain("up to date");
    expect(await status({ database: path })).toEqual({
      text: "within an hour: nothing settled\nworkers: none\n",
      ok: true,
    });
    const { path: used } = await start();
    const report = await status({ database: used });
    expect(report.ok).toBe(false);
    expect(report.text).toContain("1 unknown");
  });

  it("give the schema as SQL that runs", async () => {
    const db = sqliteFile().open();
    db.exec(sql("sqlite"));
    const outbox = createOutbox({
      store: sqliteStore(db),
      backends: { default: new ScriptedBackend() },
      logger: false,
    });
    await outbox.migrate();
    await outbox.enqueue(message());
    expect(sql("sqlite", { from: 1 })).not.toContain("posthorn_message");
  });

  it.runIf(beds.some(({ name }) => name === "postgres"))(
    "do the same for PostgreSQL, in a schema",
    async () => {
      const { pool, schema } = await schemaPool();
      await pool.query(sql("postgres", { schema }));
      expect(await migrate({ database: POSTGRES_URL, schema })).toContain("postgres");
      expect((await status({ database: POSTGRES_URL, schema })).ok).toBe(true);
    },
  );
});
