import { PosthornError } from "../errors.js";

/** Milliseconds for what belongs to a mail to be fetched. */
const TIMEOUT = 30_000;

/**
 * Fetches what a provider keeps of a mail that came in.
 *
 * @throws PosthornError unless it answers 2xx; the error is `retryable`, and names no credentials
 */
export async function fetchBytes(
  provider: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<Uint8Array> {
  const where = url.split("?")[0];
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT) });
  } catch (cause) {
    throw new PosthornError(`${provider}: ${where} could not be fetched`, {
      provider,
      retryable: true,
      cause,
    });
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new PosthornError(`${provider}: ${where} answered ${response.status}`, {
      provider,
      retryable: response.status === 429 || response.status >= 500,
    });
  }
  return new Uint8Array(await response.arrayBuffer());
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
