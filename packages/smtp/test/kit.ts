import type { Clock, Message } from "@posthorn/core";

export const message = {
  from: "Ada <ada@example.com>",
  to: ["grace@example.org"],
  subject: "Subject",
  text: "Text",
} satisfies Message;

/** A clock whose waits of seconds pass at once, and are noted; those of an attempt's timeout do not. */
export function quickClock(): { readonly clock: Clock; readonly waits: number[] } {
  const waits: number[] = [];
  const clock: Clock = {
    now: () => Date.now(),
    random: () => 0.5,
    setTimer: (callback, ms) => {
      const isPause = ms < 20_000;
      if (isPause) waits.push(ms);
      const id = setTimeout(callback, isPause ? 0 : ms);
      return () => clearTimeout(id);
    },
  };
  return { clock, waits };
}

/** What a promise rejects with. */
export async function failure<T extends Error>(promise: Promise<unknown>): Promise<T> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof Error)) throw new Error(`expected a rejection, got ${String(thrown)}`);
  return thrown as T;
}
