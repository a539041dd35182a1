import type { Steps, Work } from "../store.js";
import type { PreparedBlob, PreparedRow } from "../types.js";

/** Names a leased message: the statement changes nothing once another worker has it. */
export interface Ref {
  readonly id: string;
  readonly attempt: number;
}

/** A message that a worker has claimed. */
export interface Claimed extends Ref {
  readonly backend: string;
  readonly tenant: string;
  readonly stream: string;
  readonly key: string;
  readonly tries: number;
  /** The provider that may have it already; empty when nobody knows which. */
  readonly soleProvider: string | null;
  /** Recipients that earlier attempts left out. */
  readonly omitted: readonly string[];
  readonly expired: boolean;
  /** Milliseconds since it was first due. */
  readonly age: number;
}

/** A message's body as stored. */
export interface StoredPayload {
  readonly id: string;
  readonly codec: string;
  readonly body: Uint8Array;
}

/** A settled message. */
export interface Settlement extends Ref {
  readonly state: string;
  readonly provider: string | null;
  readonly providerId: string | null;
  /** JSON. */
  readonly recipients: string | null;
  readonly reason: string | null;
}

/** A message that stays, to be tried again or held. */
export interface Deferral extends Ref {
  readonly to: "deferred" | "dead" | "unknown";
  /** Milliseconds. */
  readonly wait: number;
  readonly counts: 0 | 1;
  readonly provider: string | null;
  /** Milliseconds that the provider is trusted to drop a copy for. */
  readonly repeatFor: number | null;
  readonly delivery: string;
  readonly status: number | null;
  readonly code: string | null;
  readonly error: string | null;
  readonly reason: string | null;
}

/** For each backend, its provider and how many milliseconds it is trusted to drop a copy for. */
export type Windows = Readonly<
  Record<string, { readonly provider: string; readonly repeatFor: number | null }>
>;

/** A rate limit for the database: at most `burst` at once, then one each `interval` milliseconds. */
export interface Bucket {
  readonly burst: number;
  readonly interval: number;
}

/** What a permit gives. */
export interface Permit {
  readonly granted: number;
  /** Milliseconds that the backend is paused for. */
  readonly pausedFor: number;
}

/** A row as `list` and `status` read it; times in milliseconds since the epoch. */
export interface MessageRow {
  readonly id: string;
  readonly state: string;
  readonly tenant: string;
  readonly backend: string;
  readonly stream: string;
  readonly batch: string | null;
  readonly priority: number | null;
  readonly attempts: number;
  readonly provider: string | null;
  readonly provider_id: string | null;
  readonly reason: string | null;
  readonly parent: string | null;
  readonly recipients: string | null;
  readonly created_at: number;
  readonly due_at: number | null;
  readonly settled_at: number | null;
}

/** A suppression to write. */
export interface SuppressionRow {
  readonly tenant: string;
  readonly address: string;
  readonly scope: string;
  readonly reason: string;
  readonly provider: string | null;
  readonly detail: string | null;
  /** Milliseconds. */
  readonly expiresIn: number | null;
}

/** What an enqueue statement tells of each row. */
export interface Inserted {
  readonly id: string;
  /** Id of the message that has the dedupe key: its own unless it is a duplicate. */
  readonly holder: string;
}

/** Every transition of a message, in one dialect. */
export interface Transitions {
  /** Versions of the schema, oldest first; each is a list of statements. */
  readonly migrations: readonly (readonly string[])[];
  migrate(): Work<number>;
  version(): Work<{ readonly version: number; readonly minClient: number }>;
  enqueue(rows: readonly PreparedRow[], blobs: readonly PreparedBlob[]): Work<readonly Inserted[]>;
  register(
    worker: string,
    info: { host: string; pid: number; version: string; backends: string },
  ): Work<void>;
  unregister(worker: string): Work<void>;
  due(backend: string): Work<boolean>;
  permit(backend: string, count: number, bucket: Bucket): Work<Permit>;
  giveBack(backend: string, count: number, bucket: Bucket): Work<void>;
  paused(backend: string): Work<number>;
  pause(backend: string, ms: number, reason: string): Work<void>;
  resume(backend: string): Work<void>;
  claim(worker: string, backend: string, count: number): Work<readonly Claimed[]>;
  payloads(ids: readonly string[]): Work<readonly StoredPayload[]>;
  blobs(hashes: readonly string[]): Work<readonly PreparedBlob[]>;
  suppressed(
    tenant: string,
    addresses: readonly string[],
  ): Work<readonly { readonly address: string; readonly scope: string }[]>;
  begin(
    worker: string,
    refs: readonly (Ref & { readonly omitted: string | null })[],
  ): Work<readonly string[]>;
  unbegin(worker: string, refs: readonly Ref[]): Work<readonly string[]>;
  /** Returns what the worker holds and does not know of: a claim whose commit was not answered. */
  letGo(worker: string, known: readonly string[]): Work<readonly string[]>;
  settle(worker: string, items: readonly Settlement[]): Work<readonly string[]>;
  /** Settles one message and queues the rest of its recipients, together. */
  settleWithRest(
    worker: string,
    item: Settlement,
    rest: readonly PreparedRow[],
    blobs: readonly PreparedBlob[],
  ): Work<readonly string[]>;
  defer(
    worker: string,
    items: readonly Deferral[],
  ): Work<readonly { readonly id: string; readonly state: string }[]>;
  /** @returns whether the worker is still there */
  beat(worker: string): Work<boolean>;
  watch(): Work<readonly { readonly id: string; readonly beat: string }[]>;
  reap(
    worker: string,
    beat: string,
    windows: Windows,
  ): Work<readonly { readonly id: string; readonly state: string }[] | undefined>;
  orphans(windows: Windows): Work<readonly { readonly id: string; readonly state: string }[]>;
  /** Settles uncertain messages that events were noted of. */
  provenByEvents(): Work<readonly string[]>;
  proven(id: string, provider: string | null, providerId: string | null, reason: string): Work<boolean>;
  noteEvent(event: {
    readonly id: string;
    readonly key: string;
    readonly recipient: string | null;
    readonly type: string;
    readonly at: number | null;
    readonly detail: string | null;
    readonly always: boolean;
  }): Work<void>;
  /** Tenant and stream of a message, settled or not. */
  owner(id: string): Work<{ readonly tenant: string; readonly stream: string } | undefined>;
  /** Queues unknown messages again after a time: the caller's policy. */
  resendUnknown(after: number): Work<readonly string[]>;
  retry(ids: readonly string[], evenIfUnknown: boolean): Work<readonly string[]>;
  cancel(ids: readonly string[], batch: string | null): Work<readonly string[]>;
  suppress(rows: readonly SuppressionRow[]): Work<void>;
  unsuppress(addresses: readonly string[], tenant: string, scope: string | null): Work<number>;
  suppressions(filter: {
    readonly address: string | null;
    readonly tenant: string | null;
    readonly reason: string | null;
    readonly after: readonly [string, string, string] | null;
    readonly limit: number;
  }): Work<readonly Readonly<Record<string, unknown>>[]>;
  /** Notes a webhook event's key. @returns whether it is new */
  claimKey(key: string, id: string, ms: number): Work<boolean>;
  releaseKey(key: string): Work<void>;
  list(filter: {
    readonly state: string | null;
    readonly backend: string | null;
    readonly tenant: string | null;
    readonly batch: string | null;
    readonly before: number | null;
    readonly after: string | null;
    readonly limit: number;
    readonly from: "message" | "settled";
  }): Work<readonly MessageRow[]>;
  find(id: string): Work<MessageRow | undefined>;
  attempts(id: string): Work<readonly Readonly<Record<string, unknown>>[]>;
  events(id: string): Work<readonly Readonly<Record<string, unknown>>[]>;
  counts(): Work<
    readonly {
      readonly backend: string;
      readonly state: string;
      readonly count: number;
      readonly oldest: number | null;
    }[]
  >;
  limits(): Work<
    readonly { readonly name: string; readonly paused_until: number | null; readonly reason: string | null }[]
  >;
  workers(): Work<readonly Readonly<Record<string, unknown>>[]>;
  settledCounts(
    since: number,
    bound: string,
  ): Work<readonly { readonly state: string; readonly count: number }[]>;
  progress(batch: string): Work<readonly { readonly state: string; readonly count: number }[]>;
  /** Milliseconds that the oldest transaction has been open, and dead rows of the message table; nothing where the engine has no such thing. */
  health(): Work<{ readonly oldestTransaction: number; readonly deadRows: number } | undefined>;
  purgeSettled(ms: number, bound: string, limit: number): Work<number>;
  purgePersonal(ms: number, bound: string, limit: number): Work<number>;
  purgeHeld(ms: number, limit: number): Work<number>;
  purgeAttempts(bound: string, limit: number): Work<number>;
  purgeEvents(ms: number, limit: number): Work<number>;
  purgeDedupe(limit: number): Work<number>;
  purgeBlobs(limit: number): Work<readonly { readonly hash: string; readonly external: boolean }[]>;
  /** Takes an address out of the send log. */
  erase(address: string): Work<number>;
  /** Messages that are not settled, a page by id, for searches that must read payloads. */
  scan(after: string, limit: number): Work<readonly { readonly id: string; readonly state: string }[]>;
  /** Moves held messages to the send log, without what is personal. */
  drop(ids: readonly string[], reason: string): Work<readonly string[]>;
}

/** Work of one statement. */
export function one<T>(
  sql: string,
  params: readonly (string | number | boolean | null | Uint8Array)[],
  read: (rows: readonly Readonly<Record<string, unknown>>[]) => T,
): Work<T> {
  return {
    atomic: false,
    *steps(): Steps<T> {
      return read(yield { sql, params });
    },
  };
}

/** Work that must not be repeated after a lost connection. */
export function once<T>(work: Work<T>): Work<T> {
  return { ...work, repeat: false };
}
