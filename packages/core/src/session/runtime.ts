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
 */
export function runtimeFetchOptions(): RuntimeFetchOptions {
  const scope = globalThis as { Deno?: Partial<DenoLike>; Bun?: unknown };
  if (typeof scope.Deno?.createHttpClient === "function") {
    const client = scope.Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    return { init: { client }, close: () => client.close() };
  }
  return { init: scope.Bun === undefined ? {} : { keepalive: false }, close: () => {} };
}
