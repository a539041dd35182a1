import { decodeBase64 } from "../bytes/base64.js";
import { WebhookSignatureError } from "../errors.js";
import { hexDigit } from "./parameters.js";

/** A hash by its name in Web Cryptography. */
export type HashName = "SHA-1" | "SHA-256";

type Bytes = Uint8Array<ArrayBuffer>;

/** Texts as UTF-8 and bytes, one after another. */
export function joinBytes(...parts: readonly (string | Uint8Array)[]): Bytes {
  const encoded = parts.map((part) => (typeof part === "string" ? new TextEncoder().encode(part) : part));
  const joined = new Uint8Array(encoded.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of encoded) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * Whether a message carries the HMAC of one of the keys. `crypto.subtle.verify` compares in constant time, and all keys are tried, so
 * that the time tells nothing of which one fits.
 */
export async function verifyHmac(
  hash: HashName,
  keys: readonly (string | Uint8Array)[],
  signature: Uint8Array | undefined,
  message: Bytes,
): Promise<boolean> {
  if (!signature) return false;
  const matches = await Promise.all(
    keys.map(async (key) =>
      crypto.subtle.verify("HMAC", await hmacKey(hash, joinBytes(key)), joinBytes(signature), message),
    ),
  );
  return matches.includes(true);
}

/** A key of Web Cryptography, by a name that every platform's types have. */
type PublicKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** An algorithm of RSA (`hash`) or of elliptic curves (`namedCurve`). */
interface KeyAlgorithmParams {
  readonly name: string;
  readonly hash?: string;
  readonly namedCurve?: string;
}

/** Keys are the same for post after post, and importing one takes as long as verifying by it. */
const importedKeys = new Map<string, Promise<PublicKey>>();
/** Enough for the secrets of some webhooks, old and new. */
const MAX_IMPORTED = 32;

function importOnce(id: string, load: () => Promise<PublicKey>): Promise<PublicKey> {
  const known = importedKeys.get(id);
  if (known) return known;
  const loading = load();
  if (importedKeys.size >= MAX_IMPORTED) importedKeys.clear();
  importedKeys.set(id, loading);
  return loading;
}

function hmacKey(hash: HashName, key: Bytes): Promise<PublicKey> {
  return importOnce(`${hash} ${String.fromCharCode(...key)}`, () =>
    crypto.subtle.importKey("raw", key, { name: "HMAC", hash }, false, ["verify"]),
  );
}

/** A public key of RSA or ECDSA, as PEM or as bare base64 of its SubjectPublicKeyInfo. @throws for anything else */
export function importPublicKey(key: string | Uint8Array, algorithm: KeyAlgorithmParams): Promise<PublicKey> {
  const id = typeof key === "string" ? key : String.fromCharCode(...key);
  return importOnce(`${JSON.stringify(algorithm)} ${id}`, () =>
    importSpki(typeof key === "string" ? bytesOfBase64(key.replace(/-----[^-]*-----/g, "")) : key, algorithm),
  );
}

function importSpki(der: Uint8Array | undefined, algorithm: KeyAlgorithmParams): Promise<PublicKey> {
  return crypto.subtle.importKey("spki", joinBytes(der ?? ""), algorithm, false, ["verify"]);
}

/** Characters of the longest signature: RSA of 8,192 bits in hexadecimal. What is longer is none, and is not decoded. */
const MAX_SIGNATURE = 2048;

/** Bytes of hexadecimal text; `undefined` where it is none, or too long to be a signature. */
export function bytesOfHex(text: string | null | undefined): Uint8Array | undefined {
  if (!text || text.length % 2 !== 0 || text.length > MAX_SIGNATURE) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    const high = hexDigit(text.charCodeAt(at * 2));
    const low = hexDigit(text.charCodeAt(at * 2 + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[at] = high * 16 + low;
  }
  return bytes;
}

/** Bytes of base64 text, also over several lines; `undefined` where it is none. */
export function bytesOfBase64(text: string | null | undefined): Bytes | undefined {
  try {
    return text ? decodeBase64(text.replace(/\s+/g, "")) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether two texts are the same, in a time that tells nothing of where they differ. */
export async function equalStrings(one: string, other: string): Promise<boolean> {
  // An HMAC under a key of this moment: comparing the two sums says nothing of the texts.
  const key = await crypto.subtle.importKey(
    "raw",
    crypto.getRandomValues(new Uint8Array(32)),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
  return crypto.subtle.verify(
    "HMAC",
    key,
    await crypto.subtle.sign("HMAC", key, joinBytes(one)),
    joinBytes(other),
  );
}

/** Seconds that the clocks of two hosts may be apart. */
const MAX_AHEAD = 300;

/**
 * @param signedAt when the provider signed, in seconds since 1970
 * @param maxAge seconds
 * @throws WebhookSignatureError when it lies further back than `maxAge`, or more than five minutes ahead (less where
 * `maxAge` is)
 */
export function checkAge(provider: string, signedAt: number, maxAge: number, now: number): void {
  const age = now / 1000 - signedAt;
  const limit = age > 0 ? maxAge : Math.min(maxAge, MAX_AHEAD);
  if (Math.abs(age) <= limit) return;
  const where = age > 0 ? "ago" : "ahead";
  throw new WebhookSignatureError(
    `${provider}: the post was signed ${Math.round(Math.abs(age))} seconds ${where}, beyond the ${limit} that are allowed`,
    { provider },
  );
}

/** @throws WebhookSignatureError unless the check says yes */
export function requireSignature(provider: string, matches: boolean): void {
  if (!matches)
    throw new WebhookSignatureError(`${provider}: the signature is missing or does not match`, { provider });
}

/** @throws WebhookSignatureError unless a post carries one of the tokens, compared in constant time */
export async function requireToken(
  provider: string,
  tokens: readonly string[],
  given: string | null,
): Promise<void> {
  const matches = await Promise.all(tokens.map((token) => equalStrings(token, given ?? "")));
  if (given === null || !matches.includes(true)) {
    throw new WebhookSignatureError(`${provider}: the token is missing or does not match`, { provider });
  }
}
