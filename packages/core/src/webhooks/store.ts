import { joinBytes } from "./signature.js";

/** What a store says of a key that is claimed. */
export type Claim =
  /** Nobody has it: the event is yours to handle. */
  | "new"
  /** Its event was handled. */
  | "done"
  /** Its event is being handled by somebody else, or was when a process died. The provider is to post it again. */
  | "busy";

/**
 * Where events are noted, so that one posted twice is handled once, and none is lost by a process that dies while it handles
 * one: a claim is a lease, which ends by itself. Several processes need a store that they share: a table with a unique key, or
 * Redis (`SET key busy NX PX 60000`, then `SET key done`).
 */
export interface EventStore {
  /**
   * Claims a key, in one step: of two posts at once only one gets `"new"`. A claim that is neither completed nor released ends
   * after the store's lease, and the key is new again.
   */
  claim(key: string): Claim | Promise<Claim>;
  /** Notes that the event was handled. */
  complete(key: string): void | Promise<void>;
  /** Gives a claim back, since handling the event failed. */
  release(key: string): void | Promise<void>;
}

/** Options of {@link memoryEventStore}. */
export interface MemoryEventStoreOptions {
  /**
   * How many events to remember, oldest forgotten first.
   *
   * @default 10,000
   */
  readonly max?: number;
  /**
   * Milliseconds after which a claim that was not completed ends: longer than handling an event takes.
   *
   * @default 60,000
   */
  readonly lease?: number;
  /** Time for tests. */
  readonly clock?: { now(): number };
}

/** An {@link EventStore} in this process. */
export function memoryEventStore(options: MemoryEventStoreOptions = {}): EventStore {
  const { max = 10_000, lease = 60_000, clock = Date } = options;
  /** When the claim ends; infinite for what is done. */
  const keys = new Map<string, number>();
  const note = (key: string, until: number): void => {
    keys.delete(key);
    keys.set(key, until);
    if (keys.size > max) keys.delete(keys.keys().next().value as string);
  };
  return {
    claim(key) {
      const until = keys.get(key);
      if (until === Number.POSITIVE_INFINITY) return "done";
      if (until !== undefined && clock.now() < until) return "busy";
      note(key, clock.now() + lease);
      return "new";
    },
    complete(key) {
      note(key, Number.POSITIVE_INFINITY);
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
  readonly raw?: unknown;
}

/**
 * The key of an event. One id may stand for several recipients. Where the provider gives no id, a digest is the key: a post
 * that comes again is the same.
 *
 * @param body what was posted, for messages: their events do not hold all of it
 */
export async function eventKey(
  event: Identified,
  body?: Uint8Array<ArrayBuffer>,
  index = 0,
): Promise<string> {
  const { provider, eventType, eventId, recipient = null } = event;
  const told = eventId ?? (await digestOf(body ? [body, String(index)] : [JSON.stringify(event.raw) ?? ""]));
  return JSON.stringify([provider, eventType, told, recipient]);
}

async function digestOf(parts: readonly (string | Uint8Array)[]): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", joinBytes(...parts)));
  return `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
