/** A form field or a part of a multipart body, in the terms of the vectors. */
export interface FormField {
  readonly name: string;
  readonly filename?: string;
  readonly contentType?: string;
  readonly value: string;
}

/** Lists whose order has no meaning to the provider; the recording sorted the messages' keys, so it was lost. */
const UNORDERED = new Set([
  "headers",
  "vars",
  "global_merge_vars",
  "merge_vars",
  "recipient_metadata",
  "customArgs",
]);

/** A JSON value in one form: dictionaries sorted, lists of no meaning in their order sorted, JSON in strings read. */
export function canonical(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => canonical(item));
    const sortable = UNORDERED.has(key) || UNORDERED.has(key.toLowerCase());
    return sortable ? items.sort((a, b) => compareText(JSON.stringify(a), JSON.stringify(b))) : items;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => compareText(a, b));
    return Object.fromEntries(entries.map(([name, member]) => [name, canonical(member, name)]));
  }
  if (typeof value === "string" && /^[[{]/.test(value)) {
    try {
      return { json: canonical(JSON.parse(value)) };
    } catch {
      return value;
    }
  }
  return value;
}

/** Form fields in one form: fields of different names have no order among each other. */
export function canonicalForm(fields: readonly FormField[]): unknown {
  return fields
    .map((field, index) => ({ field: { ...field, value: canonical(field.value) }, index }))
    .sort((a, b) => compareText(a.field.name, b.field.name) || a.index - b.index)
    .map(({ field }) => field);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
