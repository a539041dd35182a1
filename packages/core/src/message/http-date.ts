import { ownProperty } from "./text.js";

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
/** `Mon, 03 Jun 2019 11:30:12 GMT` and `Monday, 03-Jun-19 11:30:12 GMT`; a zone may be a name or `+0100`. */
const HTTP_DATE =
  /^\s*(?:[a-z]+,?\s+)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*[\s-]+(\d{4}|\d{2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s+([a-z]+|[+-]\d{4}))?\s*$/i;
/** asctime, the third form that RFC 9110 section 5.6.7 has recipients accept: `Mon Jun  3 11:30:12 2019`. */
const ASCTIME = /^\s*[a-z]+\s+([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(\d{4})\s*$/i;
const ZONES: Readonly<Record<string, number>> = {
  utc: 0,
  gmt: 0,
  ut: 0,
  z: 0,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
};

/**
 * Reads an HTTP date (RFC 9110 section 5.6.7), strictly: the platform's `Date.parse` also takes ISO 8601 and much else, differently
 * on each runtime.
 *
 * @returns milliseconds since the epoch; `undefined` when it is none
 */
export function parseHttpDate(text: string): number | undefined {
  const date = HTTP_DATE.exec(text);
  if (date) {
    const [, day, month, year, hour, minute, second, zone] = date;
    return utc(year, month, day, hour, minute, second, zoneMinutes(zone));
  }
  const asctime = ASCTIME.exec(text);
  if (asctime) {
    const [, month, day, hour, minute, second, year] = asctime;
    return utc(year, month, day, hour, minute, second, 0);
  }
  return undefined;
}

function utc(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
  hour: string | undefined,
  minute: string | undefined,
  second: string | undefined,
  zone: number,
): number | undefined {
  const monthIndex = MONTHS.indexOf((month ?? "").toLowerCase());
  if (monthIndex < 0) return undefined;
  let fullYear = Number(year);
  // RFC 850 dates have two digits; POSIX puts 69-99 in the last century.
  if (year?.length === 2) fullYear += fullYear < 69 ? 2000 : 1900;
  const at = Date.UTC(fullYear, monthIndex, Number(day), Number(hour), Number(minute), Number(second ?? 0));
  // A day that the month does not have.
  if (new Date(at).getUTCDate() !== Number(day)) return undefined;
  return at - zone * 60_000;
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined) return 0;
  const numeric = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (!numeric) return ownProperty(ZONES, zone.toLowerCase()) ?? 0;
  const minutes = Number(numeric[2]) * 60 + Number(numeric[3]);
  return numeric[1] === "-" ? -minutes : minutes;
}
