import type { JsonObject, JsonValue } from "@posthorn/core";
import type { NormalizedMessage, ReportUnsupported } from "@posthorn/core/provider";
import type { Field } from "./payload.js";

/** What the by-recipient fields of a message become. */
interface MergeFields {
  /** The field `recipient-variables`, and the fields that have no value but the recipient's own. */
  readonly fields: readonly Field[];
  /** For fields that have a common value too: the variable to put in its place. */
  readonly references: ReadonlyMap<string, string>;
}

/**
 * Mailgun has one mechanism for all that differs by recipient: recipient variables, which any field may refer to as
 * `%recipient.name%`. Headers (`h:`) and metadata (`v:`) get variables of those names; and stored templates, which see
 * no recipient variables, get a `v:` field for each template variable. Outside of a batch they get `t:variables`, which takes
 * values of any kind, and which neither the message's headers nor webhooks show.
 *
 * A variable that a recipient lacks would be sent as `%recipient.name%` to them, so all have all of them.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/batch-sending
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-templates
 */
export function mergeFields(message: NormalizedMessage): MergeFields {
  const { mergeData, mergeGlobalData, mergeMetadata } = message;
  const headers = mapValues(message.mergeHeaders ?? {}, (list) => Object.fromEntries(list));
  const metadataKeys = keysOf(mergeMetadata);
  const headerNames = keysOf(headers);
  const dataKeys = [...new Set([...keysOf(mergeData), ...Object.keys(mergeGlobalData ?? {})])];
  if (!message.isBatch && dataKeys.length === 0) return { fields: [], references: new Map() };
  if (!message.isBatch && message.templateId !== undefined)
    return { fields: [["t:variables", JSON.stringify(mergeGlobalData)]], references: new Map() };

  const commonHeaders: JsonObject = Object.fromEntries(message.headers);
  const variables = message.to.map(({ email }) => [
    email,
    {
      ...prefixed("v:", fill(metadataKeys, message.metadata, mergeMetadata?.[email])),
      ...prefixed("h:", fill(headerNames, commonHeaders, headers[email])),
      ...fill(dataKeys, mergeGlobalData, mergeData?.[email]),
    },
  ]);

  const own = [...metadataKeys.map((key) => `v:${key}`), ...headerNames.map((name) => `h:${name}`)];
  const references = new Map(own.map((name) => [name, `%recipient.${name}%`]));
  const common = new Set([
    ...Object.keys(message.metadata ?? {}).map((key) => `v:${key}`),
    ...message.headers.map(([name]) => `h:${name}`),
  ]);
  const forTemplate =
    message.templateId === undefined ? [] : dataKeys.map((key): Field => [`v:${key}`, `%recipient.${key}%`]);
  return {
    references,
    fields: [
      ...[...references].filter(([name]) => !common.has(name)),
      ...forTemplate,
      ["recipient-variables", JSON.stringify(Object.fromEntries(variables))],
    ],
  };
}

/**
 * The message without the merge data that a stored template would get wrong, each reported: lists and objects in a batch, since
 * a `v:` field with `%recipient.name%` is a string; and a name that metadata has too, since both would go as the same `v:` field.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-templates
 * @see https://anymail.dev/en/stable/esps/mailgun/#limitations-with-mailgun-templates
 */
export function templateData(message: NormalizedMessage, report: ReportUnsupported): NormalizedMessage {
  const { templateId, mergeData, mergeGlobalData, isBatch } = message;
  if (templateId === undefined) return message;
  const metadata = new Set([...Object.keys(message.metadata ?? {}), ...keysOf(message.mergeMetadata)]);
  const keep = (field: "mergeData" | "mergeGlobalData", values: JsonObject): JsonObject => {
    const entries = Object.entries(values).filter(([key, value]) => {
      const isClash = metadata.has(key);
      if (isClash) report(field, `"${key}" in both metadata and the merge data of a template`);
      const isLost = isBatch && typeof value === "object" && value !== null;
      if (isLost) report(field, `the list or object "${key}" in a batch with a template`);
      return !isClash && !isLost;
    });
    return Object.fromEntries(entries);
  };
  return {
    ...message,
    mergeGlobalData: mergeGlobalData && keep("mergeGlobalData", mergeGlobalData),
    mergeData: mergeData && mapValues(mergeData, (values) => keep("mergeData", values)),
  };
}

/** Values for all keys: a recipient's own (`null` is one), the common one, or nothing. */
function fill(
  keys: readonly string[],
  common: JsonObject | undefined,
  own: JsonObject | undefined,
): Record<string, JsonValue> {
  const all = { ...common, ...own };
  return Object.fromEntries(keys.map((key) => [key, Object.hasOwn(all, key) ? (all[key] ?? null) : ""]));
}

function keysOf(byRecipient: Readonly<Record<string, JsonObject>> | undefined): readonly string[] {
  return [...new Set(Object.values(byRecipient ?? {}).flatMap((values) => Object.keys(values)))];
}

function prefixed(prefix: string, values: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}${key}`, value]));
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
