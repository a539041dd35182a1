import { PosthornError } from "../errors.js";
import { readChunks } from "./chunks.js";

/** Milliseconds for what belongs to a message to be fetched. */
const TIMEOUT = 30_000;
/** Bytes of the largest file that is fetched, unpacked. */
const MAX_BYTES = 50_000_000;
const MAX_REDIRECTS = 5;

/**
 * Fetches what a provider keeps of a message that came in. Redirects are followed, without the headers where they lead to
 * another origin: all of them may be credentials, and runtimes leave out `Authorization` alone.
 *
 * @param maxBytes bytes of the body, after it is unpacked
 * @throws PosthornError unless the response is 2xx and within `maxBytes`; the error names no credentials
 */
export async function fetchBytes(
  provider: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  fetch: typeof globalThis.fetch = globalThis.fetch,
  maxBytes = MAX_BYTES,
): Promise<Uint8Array> {
  const where = url.split("?")[0];
  const fail = (why: string, retryable: boolean, cause?: unknown): never => {
    throw new PosthornError(`${provider}: ${where} ${why}`, { provider, retryable, cause });
  };
  const signal = AbortSignal.timeout(TIMEOUT);
  let target = url;
  let sent = headers;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    let response: Response;
    try {
      response = await fetch(target, { headers: sent, signal, redirect: "manual" });
    } catch (cause) {
      return fail("could not be fetched", true, cause);
    }
    if (response.ok) {
      try {
        return await readBody(response, maxBytes);
      } catch (cause) {
        response.body?.cancel().catch(() => {});
        const isTooLarge = cause instanceof RangeError;
        return isTooLarge ? fail(cause.message, false) : fail("broke off", true, cause);
      }
    }
    await response.body?.cancel();
    const next = redirectOf(response, target);
    if (!next) return fail(`answered ${response.status}`, response.status === 429 || response.status >= 500);
    if (next.origin !== new URL(target).origin) sent = {};
    target = next.href;
  }
  return fail(`is redirected more than ${MAX_REDIRECTS} times`, false);
}

/** Where a response redirects to; `undefined` where it does not, or from https to http. */
function redirectOf({ status, headers }: Response, from: string): URL | undefined {
  const location = headers.get("location");
  if (![301, 302, 303, 307, 308].includes(status) || location === null || !URL.canParse(location, from)) {
    return undefined;
  }
  const to = new URL(location, from);
  const isSafe = to.protocol === "https:" || (to.protocol === "http:" && from.startsWith("http:"));
  return isSafe ? to : undefined;
}

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (!response.body) return new Uint8Array();
  await readChunks(response.body, (chunk) => {
    size += chunk.length;
    if (size > maxBytes) throw new RangeError(`is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  });
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * Segments as the path of a URL, whatever is in them.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-2.3 All but unreserved characters are encoded, as signatures of AWS want it.
 */
export function urlPath(...segments: readonly string[]): string {
  return segments
    .map((segment) =>
      // Half a surrogate pair is no character, and `encodeURIComponent` throws at it.
      encodeURIComponent(segment.replace(/\p{Surrogate}/gu, "\ufffd")).replace(
        /[!'()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join("/");
}
