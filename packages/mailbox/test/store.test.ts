import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileStore } from "../src/store/file-store.js";
import { MemoryStore, type MessageStore, type StoreLimits } from "../src/store/store.js";
import type { StoredMessage } from "../src/stored-message.js";

const NO_LIMITS: StoreLimits = { limit: 500, maxAge: undefined, maxSize: 1e9 };
const START = Date.parse("2026-11-25T12:00:00Z");

function message(id: string, more: Partial<StoredMessage["message"]> = {}, at = START): StoredMessage {
  const content = { from: [], to: [{ name: "", email: `${id}@example.org` }], cc: [], bcc: [], replyTo: [] };
  return {
    id,
    receivedAt: new Date(at).toISOString(),
    via: "api",
    message: { ...content, attachments: [], subject: `Message ${id}`, ...more },
    recipients: {},
    read: false,
    events: [],
  };
}

const attachment = (content: string) => ({
  filename: "../../evil.txt",
  contentType: "text/plain",
  contentId: undefined,
  inline: false,
  size: (content.length / 4) * 3,
  content,
});
const LARGE = "QUJD".repeat(400_000);

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "posthorn-mailbox-"));
  file = join(folder, "box", "mailbox.ndjson");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ids = async (store: MessageStore): Promise<string[]> => (await store.list()).map(({ id }) => id);

describe.each(["memory", "file"] as const)("a store in %s", (kind) => {
  const make = (limits: Partial<StoreLimits> = {}, now = (): number => START): MessageStore =>
    kind === "memory"
      ? new MemoryStore({ ...NO_LIMITS, ...limits }, now)
      : new FileStore(file, { ...NO_LIMITS, ...limits }, now);

  it("lists the newest first, changes and removes", async () => {
    const store = make();
    for (const id of ["a", "b", "c"]) await store.add(message(id));
    expect(await ids(store)).toEqual(["c", "b", "a"]);
    const event = { type: "opened", recipient: "b@example.org", at: "", status: 200, response: "" } as const;
    await store.change("b", { event });
    expect(await store.change("b", { read: true })).toMatchObject({ id: "b", read: true, events: [event] });
    expect(await store.change("none", { read: true })).toBeUndefined();
    expect(await store.remove(["b", "none"])).toBe(1);
    expect(await ids(store)).toEqual(["c", "a"]);
    expect(await store.load("b")).toBeUndefined();
    expect(await store.remove()).toBe(2);
    expect(await ids(store)).toEqual([]);
  });

  it("keeps the newest within its limit", async () => {
    const store = make({ limit: 2 });
    for (const id of ["a", "b", "c"]) await store.add(message(id));
    expect(await ids(store)).toEqual(["c", "b"]);
  });

  it("keeps messages only as long as it was told", async () => {
    let now = START;
    const store = make({ maxAge: 1000 }, () => now);
    await store.add(message("a"));
    await store.add(message("b", {}, START + 900));
    now = START + 1500;
    expect(await ids(store)).toEqual(["b"]);
  });

  it("keeps within its size, and always the newest", async () => {
    const store = make({ maxSize: 1000 });
    await store.add(message("a", { text: "x".repeat(600) }));
    await store.add(message("b", { text: "x".repeat(600) }));
    expect(await ids(store)).toEqual(["b"]);
    await store.add(message("c", { text: "x".repeat(6000) }));
    expect(await ids(store)).toEqual(["c"]);
  });

  it("gives large attachments back", async () => {
    const store = make();
    await store.add(message("a", { attachments: [attachment("QUJD"), attachment(LARGE)] }));
    const loaded = await store.load("a");
    expect(loaded?.message.attachments.map(({ content }) => content)).toEqual(["QUJD", LARGE]);
  });
});

describe("a file", () => {
  const make = (limits: Partial<StoreLimits> = {}): FileStore =>
    new FileStore(file, { ...NO_LIMITS, ...limits }, () => START);

  it("keeps messages over a restart", async () => {
    const before = make();
    await before.add(message("a"));
    await before.add(message("b", { attachments: [attachment(LARGE)] }));
    await before.change("a", { read: true });
    await before.remove(["none"]);
    const after = make();
    expect(await ids(after)).toEqual(["b", "a"]);
    expect(await after.load("a")).toMatchObject({ read: true });
    expect((await after.load("b"))?.message.attachments[0]?.content).toBe(LARGE);
  });

  it("loses a torn last line alone, and nothing that comes after it", async () => {
    const before = make();
    await before.add(message("a"));
    appendFileSync(file, '{"add":{"id":"torn","receivedA');
    const after = make();
    expect(await ids(after)).toEqual(["a"]);
    await after.add(message("b"));
    expect(await ids(after)).toEqual(["b", "a"]);
    expect(await ids(make())).toEqual(["b", "a"]);
  });

  it("leaves out lines that are something else", async () => {
    await make().add(message("a"));
    for (const line of [
      "null",
      "5",
      "[]",
      "{}",
      '{"add":null}',
      '{"add":{"id":"x"}}',
      '{"change":"q"}',
      '{"remove":[4]}',
    ])
      appendFileSync(file, `${line}\n`);
    expect(await ids(make())).toEqual(["a"]);
  });

  it("writes attachments under its own names, whatever ids and names say", async () => {
    const store = make();
    await store.add(message("a", { attachments: [attachment(LARGE)] }));
    const evil = message("../../evil", { attachments: [{ ...attachment(LARGE), content: undefined }] });
    appendFileSync(file, `${JSON.stringify({ add: evil })}\n`);
    writeFileSync(join(folder, "evil-0"), "outside");
    expect(await ids(make())).toEqual(["a"]);
    appendFileSync(file, `${JSON.stringify({ remove: ["../../evil"] })}\n`);
    await make().list();
    expect(readdirSync(folder).sort()).toEqual(["box", "evil-0"]);
    expect(readdirSync(`${file}.files`)).toEqual(["a-0"]);
  });

  it("removes attachments with their messages", async () => {
    const store = make({ limit: 2 });
    for (const id of ["a", "b", "c"]) await store.add(message(id, { attachments: [attachment(LARGE)] }));
    expect(readdirSync(`${file}.files`).sort()).toEqual(["b-0", "c-0"]);
    await store.remove(["b"]);
    expect(readdirSync(`${file}.files`)).toEqual(["c-0"]);
    await store.remove();
    expect(existsSync(`${file}.files`)).toBe(false);
  });

  it("is shared by processes: each sees what the others do, and no line is lost", async () => {
    const [first, second] = [make(), make()];
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? first : second).add(message(`m${index}`))),
    );
    expect((await ids(first)).sort()).toEqual((await ids(second)).sort());
    expect(await ids(first)).toHaveLength(40);
    await second.remove(["m0"]);
    expect(await first.load("m0")).toBeUndefined();
  });

  it("is written anew when most of it is dead, also under the eyes of another", async () => {
    const [writer, reader] = [make({ limit: 5 }), make({ limit: 5 })];
    for (let index = 0; index < 215; index++) {
      await writer.add(message(`m${index}`));
      if (index % 50 === 0) await reader.list();
    }
    expect(readFileSync(file, "utf8").split("\n").length).toBeLessThan(30);
    expect(await ids(reader)).toEqual(["m214", "m213", "m212", "m211", "m210"]);
    await reader.add(message("last"));
    expect((await ids(writer))[0]).toBe("last");
  });

  it("takes over a lock that a dead process left", async () => {
    const store = make();
    await store.add(message("a"));
    writeFileSync(`${file}.lock`, "");
    const { utimesSync } = await import("node:fs");
    utimesSync(`${file}.lock`, 1, 1);
    await store.add(message("b"));
    expect(await ids(store)).toEqual(["b", "a"]);
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it("keeps a folder of its own out of version control", async () => {
    const own = join(folder, ".posthorn", "mailbox.ndjson");
    await new FileStore(own, NO_LIMITS, () => START).add(message("a"));
    expect(readFileSync(join(folder, ".posthorn", ".gitignore"), "utf8")).toBe("*\n");
    await make().add(message("a"));
    expect(existsSync(join(folder, "box", ".gitignore"))).toBe(false);
  });
});
