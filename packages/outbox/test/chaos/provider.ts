import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { seededRandom } from "@posthorn/testing/servers";

/** A provider that counts what it takes, and is as unreliable as it is told. */
export interface CountingProvider {
  readonly url: string;
  /** How often each message was taken, by the outbox's id. A copy under a known key counts only in `copies`. */
  readonly taken: ReadonlyMap<string, number>;
  /** Requests by the outbox's id, whatever came of them. */
  readonly requests: ReadonlyMap<string, number>;
  /** When each was taken, in milliseconds. */
  readonly times: readonly number[];
  /** Requests that a key marked as a copy. */
  readonly copies: number;
  close(): Promise<void>;
}

/**
 * Starts one.
 *
 * @param options.keyed drops copies under a key that it knows, as Resend does
 * @param options.faults share of requests that are reset after they were taken, reset before, or refused for now
 */
export async function startProvider(options: {
  readonly keyed: boolean;
  readonly latency: number;
  readonly faults: { readonly lost: number; readonly reset: number; readonly busy: number };
  readonly seed?: number;
}): Promise<CountingProvider> {
  const random = seededRandom(options.seed ?? 1);
  const taken = new Map<string, number>();
  const requests = new Map<string, number>();
  const keys = new Map<string, string>();
  const times: number[] = [];
  let copies = 0;
  const count = (map: Map<string, number>, id: string): void => void map.set(id, (map.get(id) ?? 0) + 1);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => {});
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      // In the metadata of Postmark's JSON, or in a header of Resend's.
      const id =
        /posthorn_id[^0-9a-f]+([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/.exec(body)?.[1] ?? `?${body}`;
      count(requests, id);
      const chance = random();
      const { lost, reset, busy } = options.faults;
      if (chance < reset) {
        request.socket.destroy();
        return;
      }
      if (chance < reset + busy) {
        response.writeHead(503, { "retry-after": "0", "content-type": "application/json" }).end("{}");
        return;
      }
      const key = options.keyed ? String(request.headers["idempotency-key"]) : undefined;
      const known = key === undefined ? undefined : keys.get(key);
      if (known !== undefined) copies++;
      else {
        count(taken, id);
        times.push(performance.now());
        if (key !== undefined) keys.set(key, id);
      }
      setTimeout(() => {
        if (random() < lost) request.socket.destroy();
        else {
          const answer = { id, MessageID: id, ErrorCode: 0, Message: "OK", To: "ada@example.com" };
          response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
        }
      }, random() * options.latency);
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    requests,
    times,
    get copies() {
      return copies;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
