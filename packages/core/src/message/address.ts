import { InvalidAddressError } from "../errors.js";
import { scanMailboxes } from "./address-scan.js";
import { hasControl, wellFormed } from "./text.js";

/** An address as a caller may write it: RFC 5322 text (`"Ada <ada@example.com>"`) or its parts. */
export type AddressInput = string | { readonly email: string; readonly name?: string | null | undefined };

/** A parsed address. */
export interface Address {
  /** The display name, decoded from quotes; empty when there is none. */
  readonly name: string;
  /** The address as the caller wrote it. It keys the recipient in results. */
  readonly address: string;
  /** The address for the wire: the local part as it is, the domain in ASCII by UTS-46. */
  readonly email: string;
  /** The domain of `email`. */
  readonly domain: string;
}

// What a host name may hold. Underscores are not for hosts, but they are seen in mail domains.
const HOST = /^(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const SPECIALS = /[()<>[\]:;@\\,."]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is tested for
const ASCII = /^[\x00-\x7f]*$/;

/**
 * Reads one address.
 *
 * @param field the message field, named in errors
 * @throws InvalidAddressError unless it is exactly one mailbox of RFC 5322
 */
export function parseAddress(input: AddressInput, field: string): Address {
  const addresses = parseAddressList(input, field);
  const [first] = addresses;
  if (!first || addresses.length > 1) {
    throw invalid(
      field,
      `holds ${addresses.length} addresses where one belongs; give each its own list entry`,
      input,
    );
  }
  return first;
}

/**
 * Reads a text that may hold several addresses with commas between them, as a From header may.
 *
 * @throws InvalidAddressError for an empty text, a group, or anything that is not a mailbox
 */
export function parseAddressList(input: AddressInput, field: string): readonly Address[] {
  if (typeof input === "string") {
    if (hasControl(input)) throw invalid(field, "has a control character or line break", input);
    const mailboxes = scanMailboxes(wellFormed(input), (why) => invalid(field, why, input));
    if (mailboxes.length === 0) throw invalid(field, "is empty", input);
    return mailboxes.map(({ name, local, domain }) => makeAddress(name, local, domain, field, input));
  }
  if (typeof input !== "object" || input === null || typeof input.email !== "string") {
    const hint = typeof input === "object" && input !== null && "then" in input ? " (await the Promise)" : "";
    throw invalid(field, `must be a string such as "Ada <ada@example.com>" or { name, email }${hint}`, input);
  }
  const name = input.name ?? "";
  if (typeof name !== "string") throw invalid(field, "must have a string as its name", input);
  if (hasControl(name)) throw invalid(field, "has a control character or line break in its name", input);
  const bare = parseAddress(input.email, field);
  if (bare.name !== "") throw invalid(field, "has a display name inside its email", input);
  return [{ ...bare, name: wellFormed(name).trim() }];
}

function makeAddress(
  name: string,
  local: string,
  domain: string,
  field: string,
  input: AddressInput,
): Address {
  const ascii = encodeDomain(domain);
  if (ascii === undefined) throw invalid(field, `has a domain that is not valid, "${domain}"`, input);
  return { name, address: `${local}@${domain}`, email: `${local}@${ascii}`, domain: ascii };
}

/**
 * A domain in ASCII by UTS-46, through the platform's own URL parser; `undefined` when it is not valid.
 * An ASCII domain comes back as it is.
 */
export function encodeDomain(domain: string): string | undefined {
  if (domain.startsWith("[") && domain.endsWith("]")) return domain;
  if (ASCII.test(domain)) return HOST.test(domain) ? domain : undefined;
  // Characters that end or escape a host in a URL must not reach the URL parser.
  if (/[\s/?#@:%\\[\]]/.test(domain)) return undefined;
  try {
    const host = new URL(`http://${domain}/`).hostname;
    return HOST.test(host) && !IPV4.test(host) ? host : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the local part has characters outside ASCII, which takes an EAI (SMTPUTF8) mail system (RFC 6531). */
export function isInternational(address: Address): boolean {
  return !ASCII.test(address.email);
}

/** `Ada <ada@example.com>`, the name in quotes where RFC 5322 asks for them; the bare address without a name. */
export function formatAddress(address: Pick<Address, "name" | "email">): string {
  if (address.name === "") return address.email;
  const name = SPECIALS.test(address.name) ? `"${address.name.replace(/(["\\])/g, "\\$1")}"` : address.name;
  return `${name} <${address.email}>`;
}

/** Several addresses as one header value. */
export function formatAddresses(addresses: readonly Address[]): string {
  return addresses.map(formatAddress).join(", ");
}

function invalid(field: string, why: string, input: unknown): InvalidAddressError {
  const shown = typeof input === "string" ? JSON.stringify(input) : describe(input);
  return new InvalidAddressError(`Address in "${field}" ${why}: ${shown}`, { field });
}

function describe(input: unknown): string {
  try {
    return JSON.stringify(input) ?? String(input);
  } catch {
    return Object.prototype.toString.call(input);
  }
}
