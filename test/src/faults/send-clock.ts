import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "@posthorn/core";

/** The time of one send. */
export interface SendTime {
  /** Lets the timeout of the attempt under way pass. */
  timeOut(): void;
}

/** Milliseconds. Attempts may take longer by default, and no delay is that long. */
const LONGEST_DELAY = 9_999;

/**
 * A clock by which each send has a time of its own: delays are at once, and the timeout of an attempt passes when the test says so.
 * However slow the machine is, nothing happens that the test did not ask for.
 */
export function clockOfEachSend(random: () => number): {
  readonly clock: Clock;
  run<T>(start: (time: SendTime) => void, send: () => Promise<T>): Promise<T>;
} {
  const storage = new AsyncLocalStorage<{ at: number; timeOut: () => void }>();
  const current = (): { at: number; timeOut: () => void } => {
    const time = storage.getStore();
    if (!time) throw new Error("there is no send");
    return time;
  };
  return {
    clock: {
      now: () => storage.getStore()?.at ?? 0,
      random,
      setTimer: (callback, ms) => {
        const time = current();
        const pass = (): void => {
          time.at += ms;
          callback();
        };
        if (ms <= LONGEST_DELAY) {
          const id = setImmediate(pass);
          return () => clearImmediate(id);
        }
        time.timeOut = pass;
        return () => {
          time.timeOut = () => {};
        };
      },
    },
    run: (start, send) => {
      const time = { at: 1_700_000_000_000, timeOut: (): void => {} };
      start({ timeOut: () => time.timeOut() });
      return storage.run(time, send);
    },
  };
}
