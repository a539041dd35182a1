interface DenoLike {
  createHttpClient(options: { poolMaxIdlePerHost: number }): { close(): void };
}

/** Options for `fetch` that keep a runtime from sending a request twice or over a dead connection. */
export interface RuntimeFetchOptions {
  readonly init: Readonly<Record<string, unknown>>;
  close(): void;
}

/**
 * What this runtime's own `fetch` needs so that one call is one request:
 *
 * - Deno sends a POST again by itself when a pooled connection closes after the whole request was received. A client
 *   that keeps no idle connections never meets that.
 * - Bun fails with `ECONNRESET` on a pooled connection that the server closed while it was idle, which looks like a
 *   request that may have been sent. Without reuse it does not occur.
 *
 * @param given options of the caller's own
 */
export function runtimeFetchOptions(given: Readonly<Record<string, unknown>> = {}): RuntimeFetchOptions {
  const scope = globalThis as { Deno?: Partial<DenoLike>; Bun?: unknown };
  if (typeof scope.Deno?.createHttpClient === "function" && !("client" in given)) {
    const client = scope.Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    return { init: { client, ...given }, close: () => client.close() };
  }
  return { init: scope.Bun === undefined ? given : { keepalive: false, ...given }, close: () => {} };
}

let cacheInit: RequestInit | undefined;

/**
 * Next.js 13 and 14 put a `fetch` of their own in the platform's place, which answers a POST from its cache unless it is told not
 * to. Workers with a compatibility date before 2024-11-11 throw at the option.
 */
export function withoutCache(): RequestInit {
  if (cacheInit) return cacheInit;
  try {
    const init = { cache: "no-store" } as const;
    new Request("http://localhost", init);
    cacheInit = init;
  } catch {
    cacheInit = {};
  }
  return cacheInit;
}
