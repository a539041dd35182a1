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

/** A time as text; UTC where it names no zone. */
export function dateOf(value: unknown): Date | null {
  if (typeof value !== "string" || value === "") return null;
  const bare = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d+)?)$/.exec(value);
  return validDate(new Date(bare ? `${bare[1]}T${bare[2]}Z` : value));
}

function validDate(date: Date): Date | null {
  return Number.isNaN(date.getTime()) ? null : date;
}

/** JSON, or `undefined` where it is none. */
export function jsonOf(text: unknown): unknown {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The address of a mailbox as a header has it: `Ada <ada@example.com>` and `ada@example.com` alike. */
export function bareAddress(mailbox: string | null): string | null {
  return mailbox === null ? null : (/<([^<>]*)>\s*$/.exec(mailbox)?.[1] ?? mailbox.trim()) || null;
}
