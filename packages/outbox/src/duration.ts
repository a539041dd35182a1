import { ConfigurationError } from "@posthorn/core";

/** A span of time: milliseconds, or a number with a unit (`"500ms"`, `"30s"`, `"15m"`, `"24h"`, `"7d"`). */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Reads a {@link Duration}.
 *
 * @param name the option's name, for errors
 * @returns milliseconds
 * @throws ConfigurationError when it is malformed or negative
 * @example parseDuration("15m", "maxAge") // 900000
 */
export function parseDuration(input: unknown, name: string): number {
  const [, digits, unit] =
    typeof input === "string" ? (/^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(input.trim()) ?? []) : [];
  const value = digits === undefined ? input : Number(digits) * UNITS[unit as keyof typeof UNITS];
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new ConfigurationError(
    `Option "${name}" must be milliseconds, or a number with a unit (ms, s, m, h, d) such as "15m"`,
  );
}

/** As {@link parseDuration}; `undefined` gives the fallback. */
export function durationOr(input: Duration | undefined, name: string, fallback: number): number {
  return input === undefined ? fallback : parseDuration(input, name);
}
