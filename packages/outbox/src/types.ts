import type { Backend, Message, PosthornError, RateLimit, RetryOptions } from "@posthorn/core";
import type { EventStore, TrackingEvent } from "@posthorn/core/webhooks";
import type { Cipher } from "./cipher.js";
import type { Duration } from "./duration.js";
import type { Dialect, Executor, Statement, Store, SyncExecutor } from "./store.js";

/**
 * States of a message.
 *
 * - `queued`: waiting to be sent. `deferred`: waiting to be tried again. `leased`: held by a worker.
 * - `accepted`: the provider has it. `cancelled`, `suppressed`, `expired`: not sent, on purpose.
 * - `dead`: not sent, and no further try may help. `reason` says why; `retry` sends it again.
 * - `unknown`: it may have been sent and nothing proves it. It is never sent again by itself: an event of the provider, `resolve`,
 *   `retry` with `evenIfUnknown`, or the policy `onUnknown` settles it.
 */
export type MessageState =
  | "queued"
  | "deferred"
  | "leased"
  | "unknown"
  | "dead"
  | "accepted"
  | "cancelled"
  | "suppressed"
  | "expired";

/** States that a message ends in. They are kept in the send log. */
export type SettledState = "accepted" | "cancelled" | "suppressed" | "expired";

/** Which messages go first. Each is looked for separately, so a backlog of one never hides another. */
export type Priority = "high" | "normal" | "low" | "bulk";

/** Why an address is on the suppression list. */
export type SuppressionReason = "bounced" | "complained" | "unsubscribed" | "rejected" | "manual";

/** What a suppression stops: `"*"` all messages, `"stream"` those of the stream that the event belongs to, `false` none. */
export type SuppressionScope = "*" | "stream" | false;

/** Options of `enqueue`, `enqueueMany` and `prepare`. */
export interface EnqueueOptions<Tx = unknown> {
  /** The caller's transaction: the message is queued if and only if it commits. */
  readonly tx?: Tx | Executor | undefined;
  /** Name of the backend, a key of `createOutbox({ backends })`. @default "default" */
  readonly backend?: string | undefined;
  /** Kind of message, for suppressions: an unsubscribe stops one stream. @default "transactional" */
  readonly stream?: string | undefined;
  /** @default "normal", in `enqueueMany` "bulk" */
  readonly priority?: Priority | undefined;
  /** Not sent before: a `Date`, ISO 8601 text, or seconds since the epoch. (`message.sendAt` is the provider's own scheduling.) */
  readonly sendAt?: Date | string | number | undefined;
  /** Not sent before this much time has passed. */
  readonly delay?: Duration | undefined;
  /** Not sent after this much time: a login code is worth nothing after 10 minutes. */
  readonly expiresIn?: Duration | undefined;
  /** A second message with the same key (and tenant) within `dedupeFor` is not queued. */
  readonly dedupeKey?: string | undefined;
  /** @default "24h" */
  readonly dedupeFor?: Duration | undefined;
  /** Whose message it is, where one outbox serves several customers. */
  readonly tenant?: string | undefined;
  /** A campaign, for `progress` and `cancel`. */
  readonly batch?: string | undefined;
}

/** What `enqueue` gives. */
export interface Enqueued {
  /** Id of the message; of the earlier message when this is a duplicate. */
  readonly id: string;
  /** Whether a message with the same `dedupeKey` was queued before, so that this one was not. */
  readonly duplicate: boolean;
}

/** What `enqueueMany` gives. */
export interface EnqueuedMany {
  readonly batch: string;
  readonly queued: number;
  readonly duplicates: number;
}

/** A message that was checked, serialized and given its id: inserting it awaits nothing but the database. */
export interface Prepared {
  readonly id: string;
  /** The statements that insert it. Their rows tell `insert` whether it is a duplicate. */
  readonly rows: readonly PreparedRow[];
  readonly blobs: readonly PreparedBlob[];
}

/** A row to insert. All members can be written as JSON. */
export interface PreparedRow {
  readonly id: string;
  readonly tenant: string;
  readonly backend: string;
  readonly stream: string;
  readonly batch: string | null;
  readonly priority: number;
  /** Milliseconds from now; `dueAt` wins. */
  readonly dueIn: number;
  /** Milliseconds since the epoch. */
  readonly dueAt: number | null;
  readonly expiresIn: number | null;
  readonly idempotencyKey: string;
  readonly dedupeKey: string | null;
  readonly dedupeFor: number;
  readonly parent: string | null;
  readonly codec: string;
  readonly body: Uint8Array;
  /** Hashes, as hex, of the blobs that the body refers to. */
  readonly hashes: readonly string[];
}

/** An attachment, or a large body, that is stored once however many messages have it. */
export interface PreparedBlob {
  /** Hex. */
  readonly hash: string;
  readonly codec: string;
  readonly size: number;
  /** `null` when they are in the caller's blob storage. */
  readonly bytes: Uint8Array | null;
}

/** Whose the fault is when a send did not succeed. It decides what the outbox does next. */
export type Fault =
  /** None: it was accepted. */
  | "none"
  /** The message is wrong; it fails at every provider and every time. → `dead` */
  | "message"
  /** Every recipient was refused. → `dead` */
  | "recipients"
  /** The provider is unwell, busy or out of reach. → tried again */
  | "provider"
  /** Key, account, plan, quota or configuration: all messages fail alike. → the backend is paused */
  | "account";

/** What a send came to, in the terms that a queue decides on. */
export interface Outcome {
  readonly delivery: "accepted" | "not-sent" | "unknown";
  readonly fault: Fault;
  /** Whether the same message may succeed later. */
  readonly retryable: boolean;
  /** Milliseconds since the epoch, from the provider or a rate limit. */
  readonly retryAt: number | undefined;
  readonly provider: string | undefined;
  readonly providerId: string | undefined;
  readonly recipients: Readonly<Record<string, RecipientOutcome>> | undefined;
  readonly status: number | undefined;
  readonly code: string | undefined;
  /** The error's message, secrets replaced. */
  readonly error: string | undefined;
  /** Whether a `preSend` hook cancelled it. */
  readonly cancelled: boolean;
}

/** What became of one recipient. */
export interface RecipientOutcome {
  readonly status: string;
  readonly messageId: string | null;
}

/** Options of {@link createOutbox}. */
export interface OutboxOptions<Tx = unknown> {
  readonly store: Store<Tx>;
  /**
   * What sends, by the names that go into the rows; or a function from name and tenant. A process that only queues needs none.
   *
   * @example { default: failover([resend(), mailgun()]), bulk: sparkpost() }
   */
  readonly backends?: Backends | undefined;
  /** Limits over all workers together, by backend. In no span of time do more sends begin than its limit says. */
  readonly limits?: Readonly<Record<string, RateLimit>> | undefined;
  /**
   * How often and after which time a message is tried again: `total`, `backoffFactor`, `backoffMax`, `backoffJitter` of core's retry
   * options, in seconds.
   *
   * @default { total: 10, backoffFactor: 15, backoffMax: 3600, backoffJitter: 15 }
   */
  readonly retry?: Pick<RetryOptions, "total" | "backoffFactor" | "backoffMax" | "backoffJitter"> | undefined;
  /** A message that could not be sent this long after it was due is dead. @default "24h" */
  readonly maxAge?: Duration | undefined;
  /**
   * What becomes of messages that may have been sent. `"hold"` waits for an event or a person. `{ resendAfter }` sends them again:
   * the risk of a second copy is then yours.
   *
   * @default "hold"
   */
  readonly onUnknown?: "hold" | { readonly resendAfter: Duration } | undefined;
  /** Which events put addresses on the suppression list, and what that stops. */
  readonly suppression?: SuppressionOptions | undefined;
  /** What is kept for how long. */
  readonly retain?: RetainOptions | undefined;
  /** Encrypts messages and attachments in the database. */
  readonly cipher?: Cipher | undefined;
  /** Keeps attachments elsewhere, such as an object store. */
  readonly blobs?: BlobStorage | undefined;
  /** Which events to keep: those of messages that are not settled, or of all. @default "unsettled" */
  readonly events?: "unsettled" | "all" | undefined;
  /** The tenant of a message that names none. */
  readonly tenantOf?: ((message: Message) => string | undefined) | undefined;
  /** Bytes of one message with its attachments. @default 26214400 (25 MB) */
  readonly maxBytes?: number | undefined;
  /** Where warnings go. @default console */
  readonly logger?: Logger | false | undefined;
  readonly metrics?: Metrics | undefined;
  /** Time for tests. */
  readonly clock?: OutboxClock | undefined;
}

/** What sends, by name. */
export type Backends =
  | Readonly<Record<string, Backend>>
  | ((name: string, tenant: string) => Backend | undefined);

/** See {@link OutboxOptions.suppression}. */
export interface SuppressionOptions {
  /** @default "*" */
  readonly bounced?: SuppressionScope | undefined;
  /** @default "*" */
  readonly complained?: SuppressionScope | undefined;
  /** @default "*" */
  readonly rejected?: SuppressionScope | undefined;
  /** An unsubscribe never stops the stream `"transactional"`. @default "stream" */
  readonly unsubscribed?: SuppressionScope | undefined;
}

/** See {@link OutboxOptions.retain}. */
export interface RetainOptions {
  /** Rows of the send log. @default "30d" */
  readonly settled?: Duration | undefined;
  /** Addresses and error texts in them. @default "7d" */
  readonly personal?: Duration | undefined;
  /** Messages that are dead or unknown. @default "30d" */
  readonly held?: Duration | undefined;
}

/** A place for attachments outside the database. */
export interface BlobStorage {
  put(hash: string, bytes: Uint8Array): Promise<void>;
  get(hash: string): Promise<Uint8Array>;
  delete(hash: string): Promise<void>;
}

/** Where the outbox writes warnings. */
export interface Logger {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Takes measurements, under OpenTelemetry's names. */
export interface Metrics {
  count(name: string, value: number, labels: Readonly<Record<string, string>>): void;
  gauge(name: string, value: number, labels: Readonly<Record<string, string>>): void;
  /** @param seconds how long it took */
  time(name: string, seconds: number, labels: Readonly<Record<string, string>>): void;
}

/** Time of this process. No decision about another worker's messages rests on `now`. */
export interface OutboxClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only grow, whatever is done to the clock. */
  monotonic(): number;
  /** Calls back once; the function returned cancels it. */
  setTimer(callback: () => void, ms: number): () => void;
  random(): number;
}

/** Options of a worker. */
export interface WorkerOptions {
  /** Names of the backends to serve. @default all of `createOutbox({ backends })` */
  readonly backends?: readonly string[] | undefined;
  /** Sends under way at once, for each backend. @default 32 */
  readonly concurrency?: number | undefined;
  /** How often to look for due messages. @default "1s"; SQLite "200ms" */
  readonly pollEvery?: Duration | undefined;
  /** How long a worker may be silent before others take what it holds. @default "30s" */
  readonly leaseFor?: Duration | undefined;
  /** Writes one line with counts to a terminal as it works. @default false */
  readonly progress?: boolean | { write(line: string): void } | undefined;
}

/** What a worker tells. */
export interface WorkerEvents {
  accepted: { readonly id: string; readonly provider: string | undefined; readonly attempts: number };
  deferred: {
    readonly id: string;
    readonly reason: string;
    /** Milliseconds until it is tried again. */
    readonly wait: number;
  };
  unknown: { readonly id: string; readonly reason: string };
  dead: { readonly id: string; readonly reason: string };
  suppressed: { readonly id: string };
  expired: { readonly id: string };
  cancelled: { readonly id: string };
  paused: { readonly backend: string; readonly reason: string; readonly ms: number };
  fenced: { readonly worker: string };
  error: { readonly error: unknown; readonly during: string };
}

/** Sends queued messages. */
export interface OutboxWorker {
  /** Works until `stop`. Resolves when all it holds has been settled or returned. */
  run(): Promise<void>;
  /**
   * Takes no more messages, returns what it has not begun, and waits for sends under way.
   *
   * @param options.timeout after which they are aborted. @default "25s"
   */
  stop(options?: { readonly timeout?: Duration | undefined }): Promise<void>;
  on<K extends keyof WorkerEvents>(event: K, listener: (info: WorkerEvents[K]) => void): this;
  /** What it did so far. */
  readonly counts: Counts;
}

/** How many messages came to what. */
export type Counts = Readonly<
  Record<"accepted" | "deferred" | "unknown" | "dead" | "suppressed" | "expired" | "cancelled", number>
>;

/** One send that did not end in acceptance. */
export interface AttemptLog {
  readonly attempt: number;
  readonly outcome: string;
  readonly provider: string | undefined;
  readonly delivery: string | undefined;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly endedAt: Date;
  readonly nextAt: Date | undefined;
}

/** One event of the provider's, as noted. */
export interface EventLog {
  readonly type: string;
  readonly recipient: string | undefined;
  readonly at: Date | undefined;
  readonly detail: string | undefined;
}

/** A message as `list` gives it. */
export interface MessageSummary {
  readonly id: string;
  readonly state: MessageState;
  readonly tenant: string;
  readonly backend: string;
  readonly stream: string;
  readonly batch: string | undefined;
  readonly priority: Priority | undefined;
  readonly attempts: number;
  readonly provider: string | undefined;
  readonly providerId: string | undefined;
  /** Why it is dead, unknown or deferred; what to do about an unknown one. */
  readonly reason: string | undefined;
  readonly createdAt: Date;
  readonly dueAt: Date | undefined;
  readonly settledAt: Date | undefined;
}

/** Everything that is known of a message. */
export interface Status extends MessageSummary {
  readonly recipients: Readonly<Record<string, RecipientOutcome>> | undefined;
  readonly log: readonly AttemptLog[];
  readonly events: readonly EventLog[];
  readonly parent: string | undefined;
}

/** Which messages `list` gives. */
export interface ListFilter {
  readonly state?: MessageState | undefined;
  readonly backend?: string | undefined;
  readonly tenant?: string | undefined;
  readonly batch?: string | undefined;
  /** Created before. */
  readonly before?: Date | undefined;
}

/** A page of a list, newest first. */
export interface Page<T> {
  readonly items: readonly T[];
  /** To be given for the next page; absent on the last. */
  readonly next?: string | undefined;
}

/** How the queue stands. */
export interface Stats {
  /** Messages that are not settled, by backend and state. */
  readonly backends: Readonly<
    Record<
      string,
      Readonly<Partial<Record<MessageState, number>>> & {
        /** Milliseconds that the oldest due message has waited. */
        readonly oldestDue: number;
        readonly pausedUntil: Date | undefined;
        readonly pauseReason: string | undefined;
      }
    >
  >;
  /** Messages settled within the last hour, by state. */
  readonly lastHour: Readonly<Partial<Record<SettledState, number>>>;
  readonly workers: readonly WorkerInfo[];
  /** What an operator should see to: a long transaction that holds vacuum back, messages held as unknown. */
  readonly warnings: readonly string[];
}

/** A worker as others see it. */
export interface WorkerInfo {
  readonly id: string;
  readonly host: string | undefined;
  readonly pid: number | undefined;
  readonly version: string;
  readonly backends: readonly string[];
  readonly startedAt: Date;
  readonly beatAt: Date;
}

/** An entry of the suppression list. */
export interface Suppression {
  readonly address: string;
  readonly tenant: string;
  /** `"*"`, or a stream. */
  readonly scope: string;
  readonly reason: SuppressionReason;
  readonly provider: string | undefined;
  readonly detail: string | undefined;
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
}

/** A durable send queue. */
export interface Outbox<Tx = unknown> {
  readonly store: Store<Tx>;
  /** Makes or updates the tables. Safe to call from many processes, and again. */
  migrate(): Promise<void>;
  /**
   * Queues a message. With `tx` it is queued if and only if that transaction commits.
   *
   * @throws InvalidMessageError for a message that could never be sent
   * @example await outbox.enqueue({ from, to: [user.email], subject: "Receipt", text }, { tx, dedupeKey: `receipt-${order.id}` });
   */
  enqueue(message: Message, options?: EnqueueOptions<Tx>): Promise<Enqueued>;
  /**
   * Queues many messages, some hundreds a statement. Without `tx` it commits as it goes, and it can be run again: each message has
   * the dedupe key `batch/index` unless the options say otherwise.
   */
  enqueueMany(
    messages: Iterable<Message> | AsyncIterable<Message>,
    options?: Omit<EnqueueOptions<Tx>, "dedupeKey"> & EnqueueManyOptions,
  ): Promise<EnqueuedMany>;
  /** Does all that awaits (checking, reading streams, hashing, encrypting) before a transaction begins. */
  prepare(message: Message, options?: Omit<EnqueueOptions<Tx>, "tx">): Promise<Prepared>;
  /** Inserts a prepared message: one statement, two with attachments. */
  insert(prepared: Prepared, tx?: Tx | Executor): Promise<Enqueued>;
  /** Inserts inside a synchronous transaction of a SQLite driver. */
  insertSync(prepared: Prepared, db: Tx | SyncExecutor): Enqueued;
  /** The statements that insert a prepared message, for databases that take them as a list (D1's `batch`, Neon over HTTP). */
  statements(prepared: Prepared, dialect?: Dialect): readonly Statement[];
  worker(options?: WorkerOptions): OutboxWorker;
  /** Sends what is due and returns: for cron, serverless functions and tests. */
  drain(options?: DrainOptions): Promise<Counts>;
  status(id: string): Promise<Status | undefined>;
  list(
    filter?: ListFilter,
    page?: { readonly limit?: number; readonly after?: string },
  ): Promise<Page<MessageSummary>>;
  stats(): Promise<Stats>;
  /** How many messages of a batch are in which state. */
  progress(batch: string): Promise<Readonly<Partial<Record<MessageState, number>>>>;
  /**
   * Queues dead messages again.
   *
   * @param options.evenIfUnknown also those that may have been sent: the risk of a second copy is yours
   * @returns ids of those that were queued
   */
  retry(
    ids: string | readonly string[],
    options?: { readonly evenIfUnknown?: boolean },
  ): Promise<readonly string[]>;
  /** Cancels messages that were not begun. @returns ids of those that were cancelled */
  cancel(which: string | readonly string[] | { readonly batch: string }): Promise<readonly string[]>;
  /** Says what became of an unknown message: `accepted` settles it, `not-sent` queues it again. */
  resolve(id: string, as: "accepted" | "not-sent"): Promise<boolean>;
  /** Deletes what its retention has passed; with `address`, what is kept of that person. */
  purge(options?: PurgeOptions): Promise<PurgeCounts>;
  suppress(addresses: string | readonly string[], options?: SuppressOptions): Promise<void>;
  unsuppress(
    addresses: string | readonly string[],
    options?: { readonly scope?: string; readonly tenant?: string },
  ): Promise<number>;
  suppressions(filter?: {
    readonly address?: string;
    readonly tenant?: string;
    readonly reason?: SuppressionReason;
    readonly limit?: number;
    readonly after?: string;
  }): Promise<Page<Suppression>>;
  /** Takes tracking events: give it to each webhook. They settle unknown messages and feed the suppression list. */
  readonly onEvent: (event: TrackingEvent) => Promise<void>;
  /** Notes in the database which events were handled, for the webhook option `store`. */
  readonly eventStore: EventStore;
  /** Stops sending through a backend, in all processes. @param ms default: until `resume` */
  pause(backend: string, reason?: string, ms?: Duration): Promise<void>;
  resume(backend: string): Promise<void>;
  /** Tells this process's workers that messages are there. */
  wake(): void;
}

/** More options of `enqueueMany`. */
export interface EnqueueManyOptions {
  /** The dedupe key of each message. @default `${batch}/${index}` */
  readonly dedupeKeyOf?: ((message: Message, index: number) => string | undefined) | undefined;
  /** Messages for each statement. @default 500 */
  readonly chunk?: number | undefined;
  /** Writes one line with counts to a terminal as it works. @default false */
  readonly progress?: boolean | { write(line: string): void } | undefined;
}

/** Options of `drain`. */
export interface DrainOptions {
  readonly backends?: readonly string[] | undefined;
  /** At most so many messages. */
  readonly limit?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of `purge`. */
export interface PurgeOptions {
  /** Erases what is kept of an address: recipients, errors, queued messages to it alone. Its suppression stays. */
  readonly address?: string | undefined;
  /** Rows for each statement. @default 1000 */
  readonly chunk?: number | undefined;
}

/** What `purge` deleted. */
export interface PurgeCounts {
  readonly settled: number;
  readonly personal: number;
  readonly held: number;
  readonly blobs: number;
  readonly dedupe: number;
  readonly events: number;
}

/** Options of `suppress`. */
export interface SuppressOptions {
  /** A stream, or `"*"` for all. @default "*" */
  readonly scope?: string | undefined;
  /** @default "manual" */
  readonly reason?: SuppressionReason | undefined;
  readonly tenant?: string | undefined;
  readonly expiresIn?: Duration | undefined;
  readonly detail?: string | undefined;
}

/** An error that was thrown by a send, as workers tell it. */
export type SendError = PosthornError;
