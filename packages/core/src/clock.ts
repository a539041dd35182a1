/** Time and chance, so that tests can give their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `ms` milliseconds; the function returned cancels it. */
  setTimer(callback: () => void, ms: number): () => void;
  /** A number in [0, 1). */
  random(): number;
}

/** The largest delay a runtime's timer takes; a larger one fires at once. */
const MAX_TIMER = 2_147_483_647;

/** The runtime's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, ms) {
    const id = setTimeout(callback, Math.min(ms, MAX_TIMER));
    return () => clearTimeout(id);
  },
  random: () => Math.random(),
};

/** Waits; rejects with the signal's reason as soon as it is aborted, leaving no timer behind. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.setTimer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
