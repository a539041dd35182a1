import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { StoredAttachment, StoredMessage } from "../stored-message.js";
import { BoundedMessages, type MessageChange, type MessageStore, type StoreLimits } from "./store.js";

/** A line of the file. */
type Line =
  | { readonly add: StoredMessage }
  | { readonly change: string; readonly to: MessageChange }
  | { readonly remove: readonly string[] | "all" };

/** Base64 characters from which on an attachment lies in a file of its own. */
const LARGE = 1_400_000;
/** Milliseconds after which a lock was left behind by a process that died. */
const STALE_LOCK = 5_000;
/** Lines that say nothing any more before the file is written anew. */
const DEAD_LINES = 200;
/** Ids become file names, and the file may have been edited. */
const SAFE_ID = /^[\w-]{1,64}$/;

/**
 * Messages in a file of lines of JSON, each line a change. A process that dies while it writes loses that line alone.
 *
 * Several processes may use one file: each reads what others added before it answers, and writes under a lock.
 */
export class FileStore implements MessageStore {
  readonly #file: string;
  readonly #folder: string;
  readonly #limits: StoreLimits;
  readonly #now: () => number;
  #messages: BoundedMessages;
  /** How far the file is read, and which file that was: it is replaced when it is written anew. */
  #position = 0;
  #inode: number | undefined;
  #lines = 0;
  /** One operation at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(file: string, limits: StoreLimits, now: () => number) {
    this.#file = resolve(file);
    this.#folder = `${this.#file}.files`;
    this.#limits = limits;
    this.#now = now;
    this.#messages = new BoundedMessages(limits, now);
  }

  list(): Promise<readonly StoredMessage[]> {
    return this.#run(async () => {
      await this.#refresh();
      await this.#removeFiles(this.#messages.expire());
      return this.#messages.newestFirst();
    });
  }

  load(id: string): Promise<StoredMessage | undefined> {
    return this.#run(async () => {
      await this.#refresh();
      const stored = this.#messages.get(id);
      if (!stored) return undefined;
      const attachments = await Promise.all(
        stored.message.attachments.map((file, index) => this.#withContent(id, index, file)),
      );
      return { ...stored, message: { ...stored.message, attachments } };
    });
  }

  add(stored: StoredMessage): Promise<void> {
    return this.#write(async () => {
      const attachments: StoredAttachment[] = [];
      for (const [index, file] of stored.message.attachments.entries()) {
        const { content, ...rest } = file;
        if (content === undefined || content.length < LARGE) {
          attachments.push(file);
          continue;
        }
        await mkdir(this.#folder, { recursive: true });
        await writeFile(this.#attachmentFile(stored.id, index), content, { mode: 0o600 });
        attachments.push(rest);
      }
      return { add: { ...stored, message: { ...stored.message, attachments } } };
    }).then(() => {});
  }

  change(id: string, change: MessageChange): Promise<StoredMessage | undefined> {
    return this.#write(async () => (this.#messages.get(id) ? { change: id, to: change } : undefined)).then(
      () => this.#messages.get(id),
    );
  }

  async remove(ids?: readonly string[]): Promise<number> {
    let count = 0;
    await this.#write(async () => {
      const known = ids?.filter((id) => this.#messages.get(id));
      count = known?.length ?? this.#messages.count;
      return count === 0 ? undefined : { remove: known ?? "all" };
    });
    return count;
  }

  async close(): Promise<void> {
    await this.#queue;
  }

  /** Runs operations one after the other; one that fails does not stop the next. */
  #run<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(operation);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Appends the line that `make` makes of the messages as they are now, under the lock. */
  #write(make: () => Promise<Line | undefined>): Promise<void> {
    return this.#run(async () => {
      await this.#prepareFolder();
      const release = await this.#lock();
      try {
        await this.#refresh();
        const line = await make();
        if (!line) return;
        const file = await open(this.#file, "a+", 0o600);
        try {
          // A line that another process left unfinished must not swallow this one.
          const { size } = await file.stat();
          const isTorn = size > 0 && (await lastByte(file, size)) !== 0x0a;
          await file.appendFile(`${isTorn ? "\n" : ""}${JSON.stringify(line)}\n`);
        } finally {
          await file.close();
        }
        await this.#refresh();
        if (this.#lines > this.#messages.count + DEAD_LINES && this.#lines > this.#messages.count * 2)
          await this.#rewrite();
      } finally {
        await release();
      }
    });
  }

  /** Reads what was added to the file since the last time, by this process or another. */
  async #refresh(): Promise<void> {
    const info = await stat(this.#file).catch(() => undefined);
    if (!info) {
      this.#forget(undefined);
      return;
    }
    if (info.ino !== this.#inode || info.size < this.#position) this.#forget(info.ino);
    if (info.size === this.#position) return;
    const file = await open(this.#file, "r");
    try {
      const buffer = Buffer.alloc(info.size - this.#position);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#position);
      const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
      this.#position += end;
      for (const line of buffer.subarray(0, end).toString("utf8").split("\n")) {
        if (line !== "") await this.#apply(line);
      }
    } finally {
      await file.close();
    }
  }

  #forget(inode: number | undefined): void {
    this.#messages = new BoundedMessages(this.#limits, this.#now);
    this.#position = 0;
    this.#lines = 0;
    this.#inode = inode;
  }

  /** A line that cannot be read is left out. */
  async #apply(text: string): Promise<void> {
    this.#lines++;
    let line: Partial<Record<string, unknown>> | null;
    try {
      line = JSON.parse(text) as typeof line;
    } catch {
      return;
    }
    const { add, change, to, remove } = line ?? {};
    if (isStored(add)) await this.#removeFiles(this.#messages.add(add));
    else if (typeof change === "string") this.#messages.change(change, (to ?? {}) as MessageChange);
    else if (remove === "all") {
      this.#messages.clear();
      await rm(this.#folder, { recursive: true, force: true });
    } else if (Array.isArray(remove)) {
      const ids = remove.filter((id): id is string => typeof id === "string" && SAFE_ID.test(id));
      const gone = ids.map((id) => this.#messages.get(id)).filter((message) => message !== undefined);
      for (const id of ids) this.#messages.delete(id);
      await this.#removeFiles(gone);
    }
  }

  /** Writes the file anew with what is left, and puts it into the old one's place at once. */
  async #rewrite(): Promise<void> {
    const lines = Array.from(this.#messages.oldestFirst(), (add) => `${JSON.stringify({ add })}\n`);
    const next = `${this.#file}.next`;
    await writeFile(next, lines.join(""), { mode: 0o600 });
    await rename(next, this.#file);
    const info = await stat(this.#file);
    this.#inode = info.ino;
    this.#position = info.size;
    this.#lines = lines.length;
  }

  /** Messages hold people's data: a folder of our own keeps itself out of version control. */
  async #prepareFolder(): Promise<void> {
    const folder = dirname(this.#file);
    await mkdir(folder, { recursive: true });
    if (basename(folder) !== ".posthorn") return;
    await writeFile(join(folder, ".gitignore"), "*\n", { flag: "wx" }).catch(() => {});
  }

  async #lock(): Promise<() => Promise<void>> {
    const lock = `${this.#file}.lock`;
    for (;;) {
      try {
        await (await open(lock, "wx")).close();
        return () => rm(lock, { force: true });
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== "EEXIST") throw error;
        const info = await stat(lock).catch(() => undefined);
        if (info && Date.now() - info.mtimeMs > STALE_LOCK) await rm(lock, { force: true });
        else await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  #attachmentFile(id: string, index: number): string {
    return join(this.#folder, `${id}-${index}`);
  }

  async #withContent(id: string, index: number, file: StoredAttachment): Promise<StoredAttachment> {
    if (file.content !== undefined) return file;
    const content = await readFile(this.#attachmentFile(id, index), "utf8").catch(() => undefined);
    return content === undefined ? file : { ...file, content };
  }

  async #removeFiles(gone: readonly StoredMessage[]): Promise<void> {
    for (const { id, message } of gone) {
      for (const [index, { content }] of message.attachments.entries()) {
        if (content === undefined) await rm(this.#attachmentFile(id, index), { force: true });
      }
    }
  }
}

async function lastByte(file: FileHandle, size: number): Promise<number | undefined> {
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, size - 1);
  return byte[0];
}

function isStored(value: unknown): value is StoredMessage {
  const stored = value as Partial<StoredMessage> | null | undefined;
  return (
    typeof stored?.id === "string" &&
    SAFE_ID.test(stored.id) &&
    typeof stored.receivedAt === "string" &&
    Array.isArray(stored.message?.attachments) &&
    Array.isArray(stored.events)
  );
}
