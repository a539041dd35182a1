import type { InboundEvent } from "./message.js";

/**
 * Reads each mail of a post, one after the other, so that a post of many does not hold them all in memory twice. What
 * cannot be read goes to `report`, and loses none of the others.
 */
export async function readMessages<T>(
  entries: readonly T[],
  report: (error: unknown) => void,
  read: (entry: T) => InboundEvent | Promise<InboundEvent>,
): Promise<readonly InboundEvent[]> {
  const events: InboundEvent[] = [];
  for (const entry of entries) {
    try {
      events.push(await read(entry));
    } catch (error) {
      report(error);
    }
  }
  return events;
}
