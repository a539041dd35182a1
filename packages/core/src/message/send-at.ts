import { tagOf } from "../bytes/chunks.js";
import { InvalidMessageError } from "../errors.js";
import { parseHttpDate } from "./http-date.js";

/** A moment to send at. */
export interface SendTime {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** ISO 8601 with the caller's own offset, to the second: `2026-03-04T05:06:07-08:00`. */
  readonly iso: string;
}

const ISO =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** Zones of an HTTP date that mean the same everywhere. */
const HTTP_ZONE = /\s(?:GMT|UTC?|[+-]\d{4})$/i;

/**
 * Reads `sendAt`. A string without an offset is UTC, on every machine alike.
 *
 * @throws InvalidMessageError when it is not a moment
 */
export function parseSendAt(input: unknown): SendTime {
  const time = toTime(input);
  if (time === undefined || Number.isNaN(time)) {
    throw new InvalidMessageError(
      '"sendAt" must be a Date, an ISO 8601 string, an HTTP date or seconds since the epoch',
      { field: "sendAt" },
    );
  }
  const offset = typeof input === "string" ? (ISO.exec(input.trim())?.[5] ?? "Z") : "Z";
  return { time, iso: withOffset(time, offset) };
}

function toTime(input: unknown): number | undefined {
  if (tagOf(input) === "Date") return Number(input);
  // Milliseconds given by mistake would be a date some 50,000 years away; no provider schedules beyond a year.
  if (typeof input === "number") return input > 0 && input < 1e11 ? input * 1000 : undefined;
  if (typeof input !== "string") return undefined;
  const text = input.trim();
  const iso = ISO.exec(text);
  if (!iso) return HTTP_ZONE.test(text) ? parseHttpDate(text) : undefined;
  const [, date, minute = "00:00", second = "00", fraction = "0", zone = "Z"] = iso;
  // Engines take February 30 for March 2.
  if (new Date(`${date}T00:00Z`).toJSON()?.slice(0, 10) !== date) return undefined;
  return Date.parse(`${date}T${minute}:${second}.${fraction.slice(0, 3).padEnd(3, "0")}${colons(zone)}`);
}

function colons(zone: string): string {
  const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
  return zone.toUpperCase() === "Z" ? "Z" : `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

function withOffset(time: number, zone: string): string {
  const offset = colons(zone) === "Z" ? "+00:00" : colons(zone);
  const minutes = Number(`${offset[0]}1`) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4)));
  return new Date(time + minutes * 60_000).toISOString().slice(0, 19) + offset;
}
