import type { RecipientResults } from "../result.js";
import { type AddressInput, parseAddress } from "./address.js";
import type { Message } from "./message.js";

const LISTS = ["to", "cc", "bcc"] as const;
const BY_RECIPIENT = ["mergeData", "mergeHeaders", "mergeMetadata"] as const;

/**
 * The bare addresses of all recipients, in lower case, each once.
 *
 * @example
 * ```ts
 * recipientsOf({ to: "Ada <Ada@example.com>", cc: ["grace@example.org"] }); // ["ada@example.com", "grace@example.org"]
 * ```
 * @throws InvalidAddressError for what is no address
 */
export function recipientsOf(message: Message): readonly string[] {
  return [...new Set(LISTS.flatMap((field) => entries(message[field]).map((entry) => folded(entry, field))))];
}

/**
 * The message without some of its recipients, such as those of a suppression list, and without what it has for them alone.
 *
 * @param addresses bare addresses; case does not count
 * @returns `undefined` when nobody is left, or nobody of a `to` that was given
 * @throws InvalidAddressError for what is no address
 */
export function withoutRecipients(message: Message, addresses: Iterable<string>): Message | undefined {
  const without = new Set([...addresses].map((address) => address.toLowerCase()));
  return onlyRecipients(message, (address) => !without.has(address));
}

/**
 * The message for the recipients that are proven unsent although others of it were accepted, and for whom a later attempt may
 * succeed.
 *
 * @returns `undefined` when there is none
 * @example
 * ```ts
 * const rest = remainder(message, await mail.send(message));
 * if (rest) await queue.add(rest);
 * ```
 */
export function remainder(
  message: Message,
  result: { readonly recipients: RecipientResults },
): Message | undefined {
  const unsent = new Set(
    Object.entries(result.recipients).flatMap(([address, { status, reason }]) =>
      status === "failed" && reason?.retryable ? [folded(address, "to")] : [],
    ),
  );
  return unsent.size > 0 ? onlyRecipients(message, (address) => unsent.has(address)) : undefined;
}

function onlyRecipients(message: Message, keep: (address: string) => boolean): Message | undefined {
  const kept: { -readonly [K in keyof Message]: Message[K] } = { ...message };
  let count = 0;
  for (const field of LISTS) {
    const list = entries(message[field]);
    if (list.length === 0) continue;
    const left = list.filter((entry) => keep(folded(entry, field)));
    if (field === "to" && left.length === 0) return undefined;
    count += left.length;
    kept[field] = left;
  }
  for (const field of BY_RECIPIENT) {
    const values: Readonly<Record<string, object>> | undefined = message[field];
    if (values)
      (kept as Record<string, unknown>)[field] = Object.fromEntries(
        Object.entries(values).filter(([address]) => keep(folded(address, field))),
      );
  }
  return count > 0 ? kept : undefined;
}

function entries(value: Message["cc"] | null): readonly AddressInput[] {
  return value === undefined || value === null ? [] : ([value].flat() as readonly AddressInput[]);
}

function folded(entry: AddressInput, field: string): string {
  return parseAddress(entry, field).email.toLowerCase();
}
