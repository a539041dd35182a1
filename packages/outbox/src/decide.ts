import type { Outcome } from "./types.js";

/** How often and after which time to try again, in seconds as in core's retry options. */
export interface Backoff {
  /** Tries after the first; `null` for no limit. */
  readonly total: number | null;
  readonly backoffFactor: number;
  readonly backoffMax: number;
  readonly backoffJitter: number;
}

/** What the queue knows of a message when its send has ended. */
export interface SendState {
  /** Sends before this one that counted against `total`. */
  readonly tries: number;
  /** Whether an earlier send may have been taken. */
  readonly uncertain: boolean;
  /** Milliseconds for which the provider drops a second copy; `undefined` without a key. */
  readonly repeatFor: number | undefined;
  /** Milliseconds since the message was due. */
  readonly age: number;
  /** Milliseconds after which it is given up. */
  readonly maxAge: number;
  /** Whether the backend has accepted other messages lately, so that a refusal may concern this message alone. */
  readonly backendWorks: boolean;
}

/** What to do with a message. */
export interface Decision {
  /** `deferred` after an uncertain send holds only as long as the provider keeps the key: the store checks that by its own clock. */
  readonly to: "accepted" | "cancelled" | "deferred" | "dead" | "unknown";
  /** Milliseconds until the next try. */
  readonly wait: number;
  /** Whether this send counts against `total`. */
  readonly counts: boolean;
  /** Milliseconds to stop the whole backend for. */
  readonly pause: number | undefined;
  readonly reason: string;
}

/** Milliseconds that a backend rests after a fault of the account. */
export const ACCOUNT_PAUSE = 300_000;

/**
 * What follows from an outcome. Pure: the time comes in as ages and waits.
 *
 * @param now milliseconds since the epoch, on the clock that `outcome.retryAt` was read from
 * @example decide(outcomeOf({ error }), state, { total: 10, backoffFactor: 15, backoffMax: 3600, backoffJitter: 15 }, Date.now(), Math.random)
 */
export function decide(
  outcome: Outcome,
  state: SendState,
  backoff: Backoff,
  now: number,
  random: () => number,
): Decision {
  const reason = outcome.error ?? "";
  const to = (target: Decision["to"], wait = 0, more: Partial<Decision> = {}): Decision => {
    return { to: target, wait, counts: true, pause: undefined, reason, ...more };
  };
  if (outcome.delivery === "accepted") return to("accepted");
  if (outcome.cancelled) return to("cancelled", 0, { reason: "a preSend hook cancelled it" });
  const asked = outcome.retryAt === undefined ? 0 : Math.max(0, outcome.retryAt - now);
  const tries = state.tries + 1;
  const usual = backoffTime(tries, backoff, random);
  // A short-lived key wants an early try.
  const soon =
    outcome.delivery === "unknown" && state.repeatFor ? Math.min(usual, state.repeatFor / 4) : usual;
  const wait = Math.max(asked, soon);
  const isSpent = backoff.total !== null && tries > backoff.total;
  const isTooOld = state.age + wait > state.maxAge;
  const isUncertain = outcome.delivery === "unknown" || state.uncertain;
  const givenUp: Decision["to"] = isUncertain ? "unknown" : "dead";
  if (outcome.delivery === "unknown" && !state.repeatFor) return to("unknown");
  switch (outcome.fault) {
    case "message":
    case "recipients":
      return to(givenUp);
    case "account": {
      // One message may be refused for its own sender; a revoked key refuses all of them.
      if (state.backendWorks && outcome.status !== 401 && outcome.status !== 402) break;
      const pause = Math.max(asked, ACCOUNT_PAUSE);
      if (state.age + pause > state.maxAge) return to(givenUp, 0, { pause });
      return to("deferred", pause, { counts: false, pause });
    }
    default:
      break;
  }
  if (isSpent) return to(givenUp, 0, { reason: `${reason} (given up after ${tries} tries)` });
  if (isTooOld) return to(givenUp, 0, { reason: `${reason} (too old to try again)` });
  // A local rate limit or a worker that stops is no failure. A provider's own limit holds for every worker.
  const isLocal = outcome.code === "RATE_LIMITED" || outcome.code === "ABORTED";
  return to("deferred", isLocal ? asked : wait, {
    counts: !isLocal,
    pause: asked > 0 && !isLocal ? asked : undefined,
  });
}

/** Milliseconds before the nth next try. */
export function backoffTime(tries: number, backoff: Backoff, random: () => number): number {
  const { backoffFactor, backoffMax, backoffJitter } = backoff;
  const seconds = Math.min(backoffMax, backoffFactor * 2 ** Math.min(tries - 1, 60));
  return (seconds + random() * backoffJitter) * 1000;
}
