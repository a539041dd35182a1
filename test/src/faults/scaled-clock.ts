import type { Clock } from "@posthorn/core";

/** A clock that runs `factor` times as fast as time does, for tests over many retries. */
export function scaledClock(factor: number, random: () => number): Clock {
  const start = Date.now();
  const begin = performance.now();
  return {
    now: () => start + (performance.now() - begin) * factor,
    setTimer: (callback, ms) => {
      const id = setTimeout(callback, ms / factor);
      return () => clearTimeout(id);
    },
    random,
  };
}
