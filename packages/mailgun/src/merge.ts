import type { JsonObject, JsonValue } from "@posthorn/core";
import type { NormalizedMessage } from "@posthorn/core/provider";
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
 * only `v:` fields, get a field for each template variable.
 *
 * A variable that a recipient lacks would be sent as `%recipient.name%` to them, so all have all of them.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/batch-sending
 */
export function mergeFields(message: NormalizedMessage): MergeFields {
  const { mergeData, mergeGlobalData, mergeMetadata } = message;
  const headers = mapValues(message.mergeHeaders ?? {}, (list) => Object.fromEntries(list));
  const metadataKeys = keysOf(mergeMetadata);
  const headerNames = keysOf(headers);
  const dataKeys = [...new Set([...keysOf(mergeData), ...Object.keys(mergeGlobalData ?? {})])];
  if (!message.isBatch && !mergeGlobalData) return { fields: [], references: new Map() };

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

function fill(
  keys: readonly string[],
  common: JsonObject | undefined,
  own: JsonObject | undefined,
): Record<string, JsonValue> {
  return Object.fromEntries(keys.map((key) => [key, own?.[key] ?? common?.[key] ?? ""]));
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
