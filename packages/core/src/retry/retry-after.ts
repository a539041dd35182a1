import { parseHttpDate } from "../message/http-date.js";

const DELTA_SECONDS = /^\s*[0-9]+\s*$/;
/**
 * Reads a Retry-After header: a number of seconds, or an HTTP date (RFC 9110 section 10.2.3).
 *
 * @param now milliseconds since the epoch, which a date is measured from
 * @returns seconds to wait, 0 for a date in the past; `undefined` when the header cannot be read
 */
export function parseRetryAfter(header: string, now: number): number | undefined {
  if (DELTA_SECONDS.test(header)) return Number(header.trim());
  const at = parseHttpDate(header);
  return at === undefined ? undefined : Math.max(0, (at - now) / 1000);
}
