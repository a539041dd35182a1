/**
 * Where events are noted that were handled, so that one posted twice is handled once. Several processes need one that they share: a table with a unique key, or Redis `SET NX`.
 */
export interface EventStore {
  /** Notes a key. `false` when it was noted before. One step, so that of two posts at once only one gets `true`. */
  claim(key: string): boolean | Promise<boolean>;
  /** Forgets a key, since its event was not handled after all. */
  release(key: string): void | Promise<void>;
}

/**
 * An {@link EventStore} in this process.
 *
 * @param options.max how many events to remember, oldest forgotten first. Default 10,000.
 */
export function memoryEventStore(options: { readonly max?: number } = {}): EventStore {
  const max = options.max ?? 10_000;
  const keys = new Set<string>();
  return {
    claim(key) {
      if (keys.has(key)) return false;
      keys.add(key);
      if (keys.size > max) keys.delete(keys.values().next().value as string);
      return true;
    },
    release(key) {
      keys.delete(key);
    },
  };
}

/** What an event has to be told from others by. */
interface Identified {
  readonly provider: string;
  readonly eventType: string;
  readonly eventId: string | number | null;
  readonly recipient?: string | null;
}

/** The key of an event; `undefined` where the provider gives no id. One id may stand for several recipients. */
export function eventKey(event: Identified): string | undefined {
  if (event.eventId === null) return undefined;
  return JSON.stringify([event.provider, event.eventType, event.eventId, event.recipient ?? null]);
}
