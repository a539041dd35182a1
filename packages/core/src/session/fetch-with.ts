import type { FetchLike } from "./options.js";

/** A `fetch` made by {@link fetchWith}. */
export interface ConfiguredFetch extends FetchLike {
  /** What it is called with beside what the session gives. */
  readonly init: Readonly<Record<string, unknown>>;
}

/**
 * A `fetch` with options of the runtime's own for each request: undici's `dispatcher` on Node, `proxy` and `tls` on Bun, `client` on
 * Deno. A session treats it as the platform's `fetch`: large bodies are sent without copies, failures to connect are retried, and
 * Bun's and Deno's own resending stays off.
 *
 * @param init added to the options of each request
 * @param fetch the `fetch` to call, such as that of the `undici` package, which its dispatchers need. Default: the platform's
 * @example
 * ```ts
 * import { fetchWith } from "@posthorn/core";
 * import { resend } from "@posthorn/resend";
 * import { fetch, ProxyAgent } from "undici";
 *
 * const dispatcher = new ProxyAgent("http://proxy.example.com:3128");
 * const mail = resend({ apiKey, fetch: fetchWith({ dispatcher }, fetch) });
 * ```
 */
export function fetchWith(
  init: Readonly<Record<string, unknown>>,
  // undici's own types differ from the platform's in names alone.
  fetch: (input: never, init?: never) => Promise<unknown> = (input: string, options?: RequestInit) =>
    globalThis.fetch(input, options),
): ConfiguredFetch {
  const call: FetchLike = (input, options) =>
    fetch(input as never, { ...options, ...init } as never) as Promise<Response>;
  return Object.assign(call, { init });
}
