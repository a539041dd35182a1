/**
 * Readers of values out of posts. A post comes from outside: a value of the wrong form is `null`, never an exception.
 */
import { isRecord, type JsonRecord } from "../message/json.js";

/** The record at a place, or an empty one. */
export function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

/** The list at a place, or an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text; numbers as their text. */
export function stringOf(value: unknown): string | null {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value : null;
}

/** An id: a text that is not empty, or a number. */
export function idOf(value: unknown): string | number | null {
  return typeof value === "number" || (typeof value === "string" && value !== "") ? value : null;
}

/** A number, also out of its text. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "string" && value.trim() === "") return null;
  const number = typeof value === "string" || typeof value === "number" ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}

/** The texts of a list; a single text is a list of one. */
export function stringsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter(
    (entry): entry is string => typeof entry === "string" && entry !== "",
  );
}

/** A time in seconds since 1970, whole or not. */
export function dateOfSeconds(value: unknown): Date | null {
  const seconds = numberOf(value);
  return seconds === null ? null : validDate(new Date(seconds * 1000));
}

/** Minutes east of UTC of the zones that RFC 5322 names. All others count as UTC, as it says (section 4.3). */
const ZONES: Readonly<Record<string, number>> = {
  EDT: -240,
  EST: -300,
  CDT: -300,
  CST: -360,
  MDT: -360,
  MST: -420,
  PDT: -420,
  PST: -480,
};

const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";

/** A date of a message's header: `Tue, 24 Nov 2026 12:00:00 +0100`, and what programs make of it. */
const HEADER_DATE =
  /^\s*(?:[a-z]{3,9}\.?,?\s+)?(\d{1,2})[\s-]+([a-z]{3})[a-z]{0,6}\.?[\s-]+(\d{2,4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?(?:\s*([ap]m)\b)?\s*(?:(?:gmt|utc?)?([+-])(\d{1,2}):?(\d{2})|([a-z]{1,5}))?.*)?$/is;
/** The same as C's `asctime` writes it: `Tue Nov 24 12:00:00 2026`. */
const C_DATE =
  /^\s*[a-z]{3}\s+([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}:\d{2}(?::\d{2})?)\s+(?:([a-z]{1,5})\s+)?(\d{4})\s*$/i;

/** A time as a string, of ISO 8601 or of a header; UTC where it names no zone, or one that nobody knows. */
export function dateOf(value: unknown): Date | null {
  if (typeof value !== "string" || value === "" || value.length > 200) return null;
  const iso =
    /^\s*(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*(z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?\s*$/i.exec(
      value,
    );
  if (iso) {
    const [, day, time = "00:00", zone = "Z"] = iso;
    const offset = /^[+-]/.test(zone)
      ? zone.replace(/^(.\d{2}):?(\d{2})?$/, (_, hours, minutes = "00") => `${hours}:${minutes}`)
      : "Z";
    return validDate(new Date(`${day}T${time.replace(",", ".")}${offset}`));
  }
  const asC = value.replace(C_DATE, "$2 $1 $5 $3 $4");
  const parts = HEADER_DATE.exec(asC);
  if (!parts) return null;
  const [
    ,
    day,
    name = "",
    year = "",
    hours = "0",
    minutes = "0",
    seconds = "0",
    half,
    sign,
    zoneHours,
    zoneMinutes,
    zone,
  ] = parts;
  const month = MONTHS.indexOf(name.toLowerCase());
  if (month % 3 !== 0) return null;
  // Years of two and three digits (RFC 5322 section 4.3).
  const century = year.length === 4 ? 0 : year.length === 3 || Number(year) >= 50 ? 1900 : 2000;
  const hour = half ? (Number(hours) % 12) + (/p/i.test(half) ? 12 : 0) : Number(hours);
  if (Number(day) > 31 || hour > 24 || Number(minutes) > 59 || Number(seconds) > 60) return null;
  const offset = zone
    ? (ZONES[zone.toUpperCase()] ?? 0)
    : (sign === "-" ? -1 : 1) * (Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0));
  const time = Date.UTC(
    century + Number(year),
    month / 3,
    Number(day),
    hour,
    Number(minutes) - offset,
    Number(seconds),
  );
  return validDate(new Date(time));
}

function validDate(date: Date): Date | null {
  return Number.isNaN(date.getTime()) ? null : date;
}

/** JSON, or `undefined` where it is none. Whole numbers beyond 2^53 are strings, as {@link parseJson} says. */
export function jsonOf(text: unknown): unknown {
  if (typeof text !== "string") return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/**
 * Parses JSON. A whole number that JavaScript cannot hold exactly (beyond 2^53) becomes a string of its digits: ids of
 * some providers are as large.
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  return JSON.parse(LARGE_NUMBER.test(text) ? quoteLargeNumbers(text) : text);
}

const LARGE_NUMBER = /[[:,\s]-?\d{16,}\s*[,}\]\s]/;

/** Puts large whole numbers into quotes. Digits within strings are let alone, so strings are skipped as wholes. */
function quoteLargeNumbers(text: string): string {
  const pieces: string[] = [];
  let kept = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      at = endOfString(text, at);
    } else if (code === 45 || (code >= 48 && code <= 57)) {
      let end = at + 1;
      while (/[\d.eE+-]/.test(text.charAt(end))) end++;
      const token = text.slice(at, end);
      if (/^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token))) {
        pieces.push(text.slice(kept, at), `"${token}"`);
        kept = end;
      }
      at = end - 1;
    }
  }
  return pieces.length === 0 ? text : pieces.join("") + text.slice(kept);
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 92) at++;
    else if (code === 34) return at;
  }
  return text.length;
}

/** The address of a mailbox as a header has it: `Ada <ada@example.com>` and `ada@example.com` alike. */
export function bareAddress(mailbox: string | null): string | null {
  return mailbox === null ? null : (/<([^<>]*)>\s*$/.exec(mailbox)?.[1] ?? mailbox.trim()) || null;
}
