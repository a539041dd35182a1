import type { StoredContent } from "./stored-message.js";

/** A message as one recipient gets it, as far as its text holds variables. */
export interface MergedContent {
  readonly subject: string | undefined;
  readonly text: string | undefined;
  readonly html: string | undefined;
}

/** The merge values of one recipient: those for all, and those of their own over them. */
export function mergeValues(content: StoredContent, recipient: string): Readonly<Record<string, unknown>> {
  const own = Object.entries(content.mergeData ?? {}).find(
    ([address]) => address.toLowerCase() === recipient.toLowerCase(),
  );
  return { ...content.mergeGlobalData, ...own?.[1] };
}

/** Whether each `to` recipient gets a message of their own. */
export function isBatch(content: StoredContent): boolean {
  return Boolean(content.mergeData ?? content.mergeHeaders ?? content.mergeMetadata);
}

/**
 * Puts a recipient's values in the place of variables: `{{name}}`, `{{{name}}}`, `%recipient.name%`, `*|NAME|*`. A
 * variable without a value stays, so that it is seen. Conditions and loops of template languages are the provider's.
 */
export function mergeContent(content: StoredContent, recipient: string): MergedContent {
  const { subject, text, html } = content;
  const values = mergeValues(content, recipient);
  if (Object.keys(values).length === 0) return { subject, text, html };
  const fill = (source: string | undefined, isHtml: boolean): string | undefined =>
    source?.replace(VARIABLE, (whole, raw, braces, percent, bars) => {
      const name = String(raw ?? braces ?? percent ?? bars);
      const value = valueAt(values, name, bars !== undefined);
      if (value === undefined) return whole;
      return isHtml && raw === undefined ? escapeHtml(value) : value;
    });
  return { subject: fill(subject, false), text: fill(text, false), html: fill(html, true) };
}

const VARIABLE =
  /\{\{\{\s*([\w.-]+)\s*\}\}\}|\{\{\s*([\w.-]+)\s*\}\}|%recipient\.([\w.-]+)%|\*\|([\w.:-]+)\|\*/g;

function valueAt(
  values: Readonly<Record<string, unknown>>,
  name: string,
  anyCase: boolean,
): string | undefined {
  let value: unknown = values;
  for (const part of Object.hasOwn(values, name) ? [name] : name.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    const record = value as Record<string, unknown>;
    const key = anyCase
      ? Object.keys(record).find((known) => known.toLowerCase() === part.toLowerCase())
      : part;
    if (key === undefined || !Object.hasOwn(record, key)) return undefined;
    value = record[key];
  }
  if (value === null || value === undefined) return undefined;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
