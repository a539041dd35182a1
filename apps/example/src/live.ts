import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { Activity } from "./activity.js";
import { row } from "./page.js";

/** Pages that may follow at once. */
const MAX_FOLLOWERS = 100;
/** Milliseconds after which something is written, so that no proxy takes the connection for dead. */
const HEARTBEAT = 15_000;

/** Answers with what happens from now on, or after the entry that the page saw last, as server-sent events. */
export function followers(activity: Activity): (context: Context) => Response {
  let count = 0;
  return (context) => {
    if (count >= MAX_FOLLOWERS) return context.text("too many pages follow already\n", 503);
    let after = lastSeen(context) ?? activity.last;
    count++;
    const ended = new AbortController();
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => ended.abort());
      try {
        while (!stream.aborted) {
          const entries = activity.since(after);
          for (const entry of entries) {
            await stream.writeSSE({
              id: String(entry.id),
              event: entry.kind,
              data: String(await row(entry)),
            });
            after = entry.id;
          }
          if (entries.length === 0) await stream.write(":\n\n");
          await activity.changed(after, HEARTBEAT, ended.signal);
        }
      } finally {
        count--;
      }
    });
  };
}

function lastSeen(context: Context): number | undefined {
  const id = context.req.header("last-event-id") ?? context.req.query("after") ?? "";
  return /^\d{1,15}$/.test(id) ? Number(id) : undefined;
}
