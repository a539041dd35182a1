import { InvalidMessageError } from "../errors.js";
import { hasHeaderControl } from "./text.js";

/**
 * The headers by which mailbox providers offer one-click unsubscription (RFC 8058, RFC 2369). Gmail and Yahoo ask bulk senders for
 * them. The URL must take a POST without a login, and the provider's DKIM signature must cover both headers.
 *
 * @param url an https URL that unsubscribes this recipient when it is posted to
 * @param mailto an address, or a `mailto:` URL, that unsubscribes whoever writes to it
 * @throws InvalidMessageError unless one of them is given, and each is well-formed
 * @see https://www.rfc-editor.org/rfc/rfc8058#section-3.1
 * @example
 * ```ts
 * await mail.send({ ...message, headers: listUnsubscribe({ url: "https://example.com/unsubscribe?token=…" }) });
 * ```
 */
export function listUnsubscribe({
  url,
  mailto,
}: {
  readonly url?: string | undefined;
  readonly mailto?: string | undefined;
}): Readonly<Record<string, string>> {
  const address = mailto === undefined || mailto.startsWith("mailto:") ? mailto : `mailto:${mailto}`;
  if (url === undefined && address === undefined) throw invalid("must be given a url, a mailto or both");
  if (url !== undefined && !(URL.canParse(url) && new URL(url).protocol === "https:"))
    throw invalid('"url" must be an https URL');
  if (address !== undefined && !/^mailto:[^@]+@[^@]+$/.test(address))
    throw invalid('"mailto" must be an address');
  const targets = [url === undefined ? undefined : new URL(url).href, address].filter(
    (one) => one !== undefined,
  );
  // Brackets and commas would end the URL.
  if (targets.some((target) => hasHeaderControl(target) || /[<>\s]/.test(target)))
    throw invalid("URLs must not have spaces or angle brackets");
  return {
    "List-Unsubscribe": targets.map((target) => `<${target}>`).join(", "),
    ...(url === undefined ? {} : { "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" }),
  };
}

/**
 * The headers by which mail programs show how urgent a message is.
 *
 * @example
 * ```ts
 * await mail.send({ ...message, headers: priority("high") });
 * ```
 * @throws InvalidMessageError for another word
 */
export function priority(level: "high" | "normal" | "low"): Readonly<Record<string, string>> {
  const index = ["high", "normal", "low"].indexOf(level);
  if (index < 0) throw new InvalidMessageError('A priority must be one of "high", "normal", "low"');
  return { Importance: level, "X-Priority": String(index * 2 + 1) };
}

function invalid(why: string): InvalidMessageError {
  return new InvalidMessageError(`listUnsubscribe: ${why}`, { field: "headers.List-Unsubscribe" });
}
