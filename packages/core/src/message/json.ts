import { SerializationError } from "../errors.js";
import type { JsonString } from "./content.js";
import { wellFormed } from "./text.js";

/** A value that JSON can hold. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** An object that JSON can hold. */
export type JsonObject = { readonly [key: string]: JsonValue };

/** A value for a JSON request body: JSON, but texts may be large and members may be `undefined`, which leaves them out. */
export type JsonBody =
  | JsonValue
  | JsonString
  | undefined
  | readonly JsonBody[]
  | { readonly [key: string]: JsonBody };

/** A JSON object under construction. */
export type JsonRecord = Record<string, JsonBody>;

/** Whether a value is a plain object, of this realm or another: one that JSON writes as an object. */
export function isRecord(value: unknown): value is JsonRecord {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * A copy of a value as JSON will hold it: `Date` and whatever has a `toJSON` become what that gives, and
 * `undefined` members go away.
 *
 * @param field path of the value, named in errors
 * @throws SerializationError for what JSON would lose or refuse: functions, symbols, big integers, NaN, cycles, Map, Set
 */
export function toJson(value: unknown, field: string): JsonValue {
  return convert(value, field, []);
}

function convert(value: unknown, path: string, parents: readonly object[]): JsonValue {
  switch (typeof value) {
    case "string":
      return wellFormed(value);
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      throw unserializable(path, `${value}`);
    case "object":
      return value === null ? null : convertObject(value, path, parents);
    default:
      throw unserializable(path, typeof value);
  }
}

function convertObject(value: object, path: string, parents: readonly object[]): JsonValue {
  if (parents.includes(value)) throw unserializable(path, "a reference to something that holds it");
  const within = [...parents, value];
  if (Array.isArray(value))
    return value.map((item: unknown, index) => convert(item, `${path}[${index}]`, within));
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const plain: unknown = value.toJSON();
    // An invalid Date gives null, which would lose it in silence.
    if (plain === null) throw unserializable(path, "an invalid date");
    return convert(plain, path, within);
  }
  if (!isRecord(value) && Object.keys(value).length === 0) {
    throw unserializable(path, value.constructor?.name ?? "an object of a class");
  }
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    entries.map(([key, member]) => [wellFormed(key), convert(member, `${path}.${key}`, within)]),
  );
}

function unserializable(path: string, what: string): SerializationError {
  return new SerializationError(`"${path}" cannot be written as JSON: it is ${what}`, { field: path });
}
