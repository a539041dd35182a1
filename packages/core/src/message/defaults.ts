import { isRecord } from "./json.js";
import type { Message, MessageField } from "./message.js";

/** Fields whose entries are dictionaries by recipient address. */
const BY_RECIPIENT: ReadonlySet<string> = new Set(["mergeData", "mergeHeaders", "mergeMetadata"]);

/**
 * Lays a message over defaults: lists join (the defaults' entries first), dictionaries merge with the message's
 * entries winning, everything else gives way to what the message has. `undefined` and `null` count as not given.
 */
export function mergeDefaults(defaults: Message | undefined, message: Message): Message {
  if (!defaults) return message;
  const merged: Record<string, unknown> = { ...message };
  for (const [field, fallback] of Object.entries(defaults) as [MessageField, unknown][]) {
    merged[field] = mergeField(field, fallback, message[field]);
  }
  return merged;
}

function mergeField(field: MessageField, fallback: unknown, value: unknown): unknown {
  if (value === undefined || value === null) return fallback;
  if (Array.isArray(fallback) && Array.isArray(value))
    return [...(fallback as unknown[]), ...(value as unknown[])];
  if (!isRecord(fallback) || !isRecord(value)) return value;
  if (field === "from" || field === "envelopeSender") return value;
  if (field === "headers") return mergeHeaders(fallback, value);
  return mergeDictionaries(
    fallback,
    value,
    BY_RECIPIENT.has(field) ? 1 : field === "espExtra" ? Infinity : 0,
  );
}

function mergeDictionaries(
  under: Record<string, unknown>,
  over: Record<string, unknown>,
  depth: number,
): Record<string, unknown> {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] =
      depth > 0 && isRecord(below) && isRecord(value) ? mergeDictionaries(below, value, depth - 1) : value;
  }
  return merged;
}

/** Header names do not tell case apart (RFC 5322 section 1.2.2). */
function mergeHeaders(
  under: Record<string, unknown>,
  over: Record<string, unknown>,
): Record<string, unknown> {
  const given = new Set(Object.keys(over).map((name) => name.toLowerCase()));
  const kept = Object.entries(under).filter(([name]) => !given.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...over };
}
