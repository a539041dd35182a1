import type { StoredEvent, StoredMessage } from "../stored-message.js";

/** What changes about a message once it is kept. */
export interface MessageChange {
  readonly read?: boolean;
  /** Added to those there are. */
  readonly event?: StoredEvent;
}

/** Bounds of a mailbox; the oldest messages go first. */
export interface StoreLimits {
  /** Messages. */
  readonly limit: number;
  /** Milliseconds; `undefined` for no bound. */
  readonly maxAge: number | undefined;
  /** Bytes of all messages together. */
  readonly maxSize: number;
}

/** Where messages are kept. */
export interface MessageStore {
  /** All messages, newest first. Contents of large attachments may be missing: see {@link load}. */
  list(): Promise<readonly StoredMessage[]>;
  /** One message, contents included. */
  load(id: string): Promise<StoredMessage | undefined>;
  add(message: StoredMessage): Promise<void>;
  /** @returns the message as it is now, or `undefined` when there is none */
  change(id: string, change: MessageChange): Promise<StoredMessage | undefined>;
  /** Removes messages; without ids, all. @returns how many there were */
  remove(ids?: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

/** The messages of a store in memory, bounded. Maps keep the order of insertion: oldest first. */
export class BoundedMessages {
  readonly #messages = new Map<string, StoredMessage>();
  readonly #limits: StoreLimits;
  readonly #now: () => number;
  #size = 0;

  constructor(limits: StoreLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get count(): number {
    return this.#messages.size;
  }

  newestFirst(): StoredMessage[] {
    return [...this.#messages.values()].reverse();
  }

  oldestFirst(): Iterable<StoredMessage> {
    return this.#messages.values();
  }

  get(id: string): StoredMessage | undefined {
    return this.#messages.get(id);
  }

  /** Adds a message. @returns those that had to go */
  add(message: StoredMessage): readonly StoredMessage[] {
    this.delete(message.id);
    this.#messages.set(message.id, message);
    this.#size += sizeOf(message);
    return this.expire();
  }

  /** Removes what is beyond the limits; @returns what was removed */
  expire(): readonly StoredMessage[] {
    const { limit, maxAge, maxSize } = this.#limits;
    const since = maxAge === undefined ? -Infinity : this.#now() - maxAge;
    const gone: StoredMessage[] = [];
    for (const message of this.#messages.values()) {
      // A message that is larger than the whole bound is kept until the next one comes.
      const isBeyond = this.#messages.size > limit || (this.#size > maxSize && this.#messages.size > 1);
      if (!isBeyond && Date.parse(message.receivedAt) >= since) break;
      this.delete(message.id);
      gone.push(message);
    }
    return gone;
  }

  change(id: string, { read, event }: MessageChange): StoredMessage | undefined {
    const message = this.#messages.get(id);
    if (!message) return undefined;
    const changed = {
      ...message,
      read: read ?? message.read,
      events: event ? [...message.events, event] : message.events,
    };
    this.#messages.set(id, changed);
    return changed;
  }

  delete(id: string): boolean {
    const message = this.#messages.get(id);
    if (message) this.#size -= sizeOf(message);
    return this.#messages.delete(id);
  }

  clear(): void {
    this.#messages.clear();
    this.#size = 0;
  }
}

/** What a message takes, roughly: its large parts. Attachments in files of their own count too. */
function sizeOf({ message, source }: StoredMessage): number {
  const files = message.attachments.reduce((sum, { size }) => sum + size, 0);
  return files + (message.html?.length ?? 0) + (message.text?.length ?? 0) + (source?.length ?? 0);
}

/** Messages in memory alone. */
export class MemoryStore implements MessageStore {
  readonly #messages: BoundedMessages;

  constructor(limits: StoreLimits, now: () => number) {
    this.#messages = new BoundedMessages(limits, now);
  }

  async list(): Promise<readonly StoredMessage[]> {
    this.#messages.expire();
    return this.#messages.newestFirst();
  }

  async load(id: string): Promise<StoredMessage | undefined> {
    return this.#messages.get(id);
  }

  async add(message: StoredMessage): Promise<void> {
    this.#messages.add(message);
  }

  async change(id: string, change: MessageChange): Promise<StoredMessage | undefined> {
    return this.#messages.change(id, change);
  }

  async remove(ids?: readonly string[]): Promise<number> {
    if (ids) return ids.filter((id) => this.#messages.delete(id)).length;
    const { count } = this.#messages;
    this.#messages.clear();
    return count;
  }

  async close(): Promise<void> {}
}
