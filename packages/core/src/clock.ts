/** Time and chance, so that tests can give their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /**
   * Milliseconds since any moment, which never go back: what delays, deadlines and limits are measured by.
   *
   * @default by `now()`, whose steps back are left out
   */
  monotonic?(): number;
  /** Calls back once after `ms` milliseconds; the function returned cancels it. */
  setTimer(callback: () => void, ms: number): () => void;
  /** A number in [0, 1). */
  random(): number;
}

/** A clock that has monotonic time. */
export type MonotonicClock = Clock & { monotonic(): number };

/** The largest delay a runtime's timer takes; a larger one fires at once. */
const MAX_TIMER = 2_147_483_647;
/** The latest time that a `Date` can hold, in milliseconds since the epoch. */
const MAX_DATE = 8.64e15;

/** The runtime's own clock. */
export const systemClock: MonotonicClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(callback, ms) {
    const id = setTimeout(callback, Math.min(ms, MAX_TIMER));
    return () => clearTimeout(id);
  },
  random: () => Math.random(),
};

/** The clock itself when it has monotonic time; otherwise one that derives it. */
export function withMonotonic(clock: Clock): MonotonicClock {
  if (clock.monotonic) return clock as MonotonicClock;
  let last = -Infinity;
  let skipped = 0;
  return {
    now: () => clock.now(),
    monotonic: () => {
      const now = clock.now();
      skipped += Math.max(0, last - skipped - now);
      last = now + skipped;
      return last;
    },
    setTimer: (callback, ms) => clock.setTimer(callback, ms),
    random: () => clock.random(),
  };
}

/** The time in `ms` milliseconds, or the latest that a `Date` can hold. */
export function dateIn(clock: Clock, ms: number): Date {
  return new Date(Math.min(Math.ceil(clock.now() + ms), MAX_DATE));
}

interface Waiting {
  readonly calls: Set<() => void>;
  readonly fire: () => void;
}

const waitingFor = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls back when the signal is aborted; the function returned ends that. However many wait for one signal, it has one
 * listener: Node warns of a leak when there are more than ten.
 */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  if (!signal) return () => {};
  let waiting = waitingFor.get(signal);
  if (!waiting) {
    const calls = new Set<() => void>();
    waiting = {
      calls,
      fire: () => {
        for (const each of [...calls]) each();
      },
    };
    waitingFor.set(signal, waiting);
  }
  const { calls, fire } = waiting;
  if (calls.size === 0) signal.addEventListener("abort", fire);
  calls.add(call);
  return () => {
    calls.delete(call);
    if (calls.size === 0) signal.removeEventListener("abort", fire);
  };
}

/** Waits; rejects with the signal's reason as soon as it is aborted, leaving no timer behind. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const cancel = clock.setTimer(() => {
      stop();
      resolve();
    }, ms);
    const stop = onAbort(signal, () => {
      stop();
      cancel();
      reject(signal?.reason);
    });
  });
}

/**
 * What a promise gives. Rejects with the signal's reason as soon as it is aborted, and with a `TimeoutError` when `ms`
 * milliseconds have passed: for work that obeys no signal itself.
 */
export async function within<T>(
  clock: Clock,
  work: T | Promise<T>,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const done = new AbortController();
  const stop = onAbort(signal, () => done.abort(signal?.reason));
  if (signal?.aborted) done.abort(signal.reason);
  try {
    return await Promise.race([
      work,
      sleep(clock, ms, done.signal).then((): never => {
        throw new DOMException("the deadline has passed", "TimeoutError");
      }),
    ]);
  } finally {
    stop();
    done.abort();
  }
}
