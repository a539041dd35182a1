import type { Backend, RateLimit } from "@posthorn/core";
import { ConfigurationError } from "@posthorn/core";
import { idempotencyWindowOf } from "./core-gaps.js";
import type { Backoff } from "./decide.js";
import { durationOr, parseDuration } from "./duration.js";
import type { Storage } from "./payload.js";
import { postgresTransitions } from "./sql/postgres.js";
import { sqliteTransitions } from "./sql/sqlite.js";
import type { Bucket, Transitions, Windows } from "./sql/transitions.js";
import type { Store, Work } from "./store.js";
import type { Logger, Metrics, OutboxClock, OutboxOptions, SuppressionOptions } from "./types.js";

/** Version of the schema's statements that this code speaks; a database may ask for a later one. */
export const CLIENT_VERSION = 1;

/** What an outbox and its workers share: options that were checked, and the store. */
export interface Context {
  readonly store: Store;
  readonly sql: Transitions;
  readonly clock: OutboxClock;
  readonly logger: Logger;
  readonly metrics: Metrics | undefined;
  readonly storage: Storage;
  readonly backoff: Backoff;
  readonly maxAge: number;
  /** Milliseconds after which unknown messages are sent again; `undefined` holds them. */
  readonly resendAfter: number | undefined;
  readonly suppression: Required<SuppressionOptions>;
  readonly retain: { readonly settled: number; readonly personal: number; readonly held: number };
  readonly keepsAllEvents: boolean;
  /** Names of the backends that this process has. */
  readonly backendNames: readonly string[];
  readonly buckets: Readonly<Record<string, Bucket>>;
  /** Functions to call when messages were queued here. */
  readonly wakers: Set<() => void>;
  backendOf(name: string, tenant: string): Backend | undefined;
  windows(): Windows;
  run<T>(work: Work<T>): Promise<T>;
}

const KNOWN: ReadonlySet<string> = new Set<keyof OutboxOptions>([
  "store",
  "backends",
  "limits",
  "retry",
  "maxAge",
  "onUnknown",
  "suppression",
  "retain",
  "cipher",
  "blobs",
  "events",
  "tenantOf",
  "maxBytes",
  "logger",
  "metrics",
  "clock",
]);

const systemClock: OutboxClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(callback, ms) {
    const id = setTimeout(callback, Math.min(ms, 2_147_483_647));
    return () => clearTimeout(id);
  },
  random: () => Math.random(),
};

const SILENT: Logger = { info: () => {}, warn: () => {}, error: () => {} };

/** @throws ConfigurationError for an option that is unknown, missing or malformed */
export function makeContext(options: OutboxOptions): Context {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name))
      throw new ConfigurationError(`Unknown option "${name}". Valid options: ${[...KNOWN].join(", ")}`);
  }
  const { store, backends = {} } = options;
  if (!store) throw new ConfigurationError('Option "store" is required: pass sqliteStore(…) or pgStore(…)');
  const names = typeof backends === "function" ? Object.keys(options.limits ?? {}) : Object.keys(backends);
  const backendOf = (name: string, tenant: string): Backend | undefined =>
    typeof backends === "function"
      ? backends(name, tenant)
      : Object.hasOwn(backends, name)
        ? backends[name]
        : undefined;
  return {
    store,
    sql: store.dialect === "postgres" ? postgresTransitions(store.names) : sqliteTransitions(store.names),
    clock: options.clock ?? systemClock,
    logger: options.logger === false ? SILENT : (options.logger ?? console),
    metrics: options.metrics,
    storage: {
      cipher: options.cipher,
      blobs: options.blobs,
      maxBytes: count(options.maxBytes ?? 25 * 1024 * 1024, "maxBytes"),
    },
    backoff: backoffOf(options.retry),
    maxAge: durationOr(options.maxAge, "maxAge", 86_400_000),
    resendAfter: resendAfter(options.onUnknown),
    suppression: {
      bounced: "*",
      complained: "*",
      rejected: "*",
      unsubscribed: "stream",
      ...options.suppression,
    },
    retain: {
      settled: durationOr(options.retain?.settled, "retain.settled", 30 * 86_400_000),
      personal: durationOr(options.retain?.personal, "retain.personal", 7 * 86_400_000),
      held: durationOr(options.retain?.held, "retain.held", 30 * 86_400_000),
    },
    keepsAllEvents: options.events === "all",
    backendNames: names,
    buckets: Object.fromEntries(
      Object.entries(options.limits ?? {}).map(([name, limit]) => [name, bucketOf(name, limit)]),
    ),
    wakers: new Set(),
    backendOf,
    windows() {
      if (typeof backends === "function") return {};
      return Object.fromEntries(
        Object.entries(backends).map(([name, backend]) => [
          name,
          { provider: backend.provider, repeatFor: repeatFor(backend) ?? null },
        ]),
      );
    },
    run: (work) => store.run(work),
  };
}

/** Milliseconds that a provider is trusted to drop a copy for: half of what it says, so that a clock step of the other half is harmless. */
export function repeatFor(backend: Backend): number | undefined {
  const window = idempotencyWindowOf(backend);
  return window === undefined ? undefined : window / 2;
}

const SPANS = { second: 1000, minute: 60_000, hour: 3_600_000 } as const;

/**
 * A limit as a bucket that keeps it in every span of time, also after a quiet one: a tenth may go at once, and the rest is spread so
 * that a span never holds more than the limit says.
 */
export function bucketOf(name: string, limit: RateLimit): Bucket {
  const span = typeof limit.per === "number" ? limit.per : SPANS[limit.per];
  if (!(Number.isInteger(limit.requests) && limit.requests > 0 && span > 0)) {
    throw new ConfigurationError(
      `Option "limits.${name}" must be { requests: a whole number above 0, per: "second", "minute", "hour" or milliseconds }`,
    );
  }
  const burst = Math.max(1, Math.floor(limit.requests / 10));
  return { burst, interval: span / (limit.requests - burst + 1) };
}

function backoffOf(retry: OutboxOptions["retry"] = {}): Backoff {
  const { total = 10, backoffFactor = 15, backoffMax = 3600, backoffJitter = 15 } = retry;
  if (total !== null && total !== false && !(Number.isInteger(total) && total >= 0))
    throw new ConfigurationError('Option "retry.total" must be a whole number, null or false');
  for (const [name, value] of Object.entries({ backoffFactor, backoffMax, backoffJitter })) {
    if (!(Number.isFinite(value) && value >= 0))
      throw new ConfigurationError(`Option "retry.${name}" must be a number of seconds`);
  }
  return { total: total === false ? 0 : total, backoffFactor, backoffMax, backoffJitter };
}

function resendAfter(policy: OutboxOptions["onUnknown"]): number | undefined {
  if (policy === undefined || policy === "hold") return undefined;
  if (typeof policy === "object" && policy !== null)
    return parseDuration(policy.resendAfter, "onUnknown.resendAfter");
  throw new ConfigurationError('Option "onUnknown" must be "hold" or { resendAfter: a duration }');
}

/** A whole number above 0. */
export function count(value: unknown, name: string): number {
  if (Number.isInteger(value) && (value as number) > 0) return value as number;
  throw new ConfigurationError(`Option "${name}" must be a whole number above 0`);
}
