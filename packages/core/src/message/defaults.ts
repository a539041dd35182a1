import { isRecord } from "./json.js";
import type { Message, MessageField } from "./message.js";

/** Fields whose entries are dictionaries by recipient address. */
const BY_RECIPIENT: ReadonlySet<string> = new Set(["mergeData", "mergeHeaders", "mergeMetadata"]);

/**
 * Lays a message over defaults: lists join (the defaults' entries first), dictionaries merge with the message's
 * entries winning, everything else gives way to what the message has. `undefined` and `null` count as not given.
 */
export function mergeDefaults(defaults: Partial<Message> | undefined, message: Message): Message {
  if (!defaults) return message;
  const merged: Record<string, unknown> = { ...message };
  for (const [field, fallback] of Object.entries(defaults) as [MessageField, unknown][]) {
    merged[field] = mergeField(field, fallback, message[field]);
  }
  return merged as unknown as Message;
}

/** Fields that are lists, or one value in place of a list. */
const LISTS: ReadonlySet<string> = new Set([
  "to",
  "cc",
  "bcc",
  "replyTo",
  "tags",
  "alternatives",
  "attachments",
] satisfies MessageField[]);

function mergeField(field: MessageField, fallback: unknown, value: unknown): unknown {
  if (value === undefined || value === null) return fallback;
  if (fallback === undefined || fallback === null) return value;
  if (LISTS.has(field)) return [fallback, value].flat();
  if (field === "headers") return mergeHeaders(fallback, value);
  if (!isRecord(fallback) || !isRecord(value) || field === "from" || field === "envelopeSender") return value;
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

/** Header names do not tell case apart (RFC 5322 section 1.2.2). What is no form of headers is left to be refused. */
function mergeHeaders(under: unknown, over: unknown): unknown {
  const [below, above] = [under, over].map(headerPairs);
  if (!below || !above) return above ? under : over;
  const given = new Set(above.map(([name]) => String(name).toLowerCase()));
  const merged = [...below.filter(([name]) => !given.has(String(name).toLowerCase())), ...above];
  // Plain objects stay what JSON can hold; of other forms, pairs keep what is given twice, which is refused later.
  return isRecord(under) && isRecord(over) ? Object.fromEntries(merged) : merged;
}

/** Headers in any form as pairs, not yet checked; `undefined` when they have none of the forms. */
export function headerPairs(headers: unknown): readonly (readonly [unknown, unknown])[] | undefined {
  if (isRecord(headers)) return Object.entries(headers);
  if (typeof headers !== "object" || headers === null || !(Symbol.iterator in headers)) return undefined;
  const pairs = [...(headers as Iterable<[unknown, unknown]>)];
  return pairs.every((pair) => Array.isArray(pair) && pair.length === 2) ? pairs : undefined;
}
