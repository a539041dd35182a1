import { ConfigurationError } from "../errors.js";
import { isRecord } from "../message/json.js";
import { type Secrets, secretList } from "./options.js";
import { bytesOfBase64, type HashName, importPublicKey, joinBytes } from "./signature.js";
import { jsonOf, listOf } from "./values.js";

/**
 * Keys are parsed when a webhook is made: a malformed one is an error then, with the option's name, instead of posts that are
 * refused later, and it never spoils the others of a rotation.
 */

/** Kinds of public keys that providers sign by. */
export type PublicKeyKind = "RSA" | "P-256";

/** A public key as its SubjectPublicKeyInfo (RFC 5280 section 4.1). */
export interface PublicKey {
  readonly kind: PublicKeyKind;
  readonly spki: Uint8Array<ArrayBuffer>;
}

/** AlgorithmIdentifier in DER: rsaEncryption, and ecPublicKey with prime256v1. */
const ALGORITHMS: Readonly<Record<PublicKeyKind, readonly number[]>> = {
  RSA: [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0],
  "P-256": [0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
};

/**
 * Public keys of an option. Each is PEM (its line breaks may be `\n` as two characters, as environment files have them, and it
 * may be in quotes), of SubjectPublicKeyInfo or PKCS#1, its bare base64, a DKIM record (`v=DKIM1; p=…`), a JWK or a JWKS.
 *
 * @param option the option's name, for errors
 * @throws ConfigurationError for one that is none of these, or of another kind
 */
export function publicKeys(
  provider: string,
  option: string,
  kind: PublicKeyKind,
  keys: Secrets,
): readonly PublicKey[] {
  return secretList(keys).flatMap((key, index, list) => {
    const fail = (why: string): never => {
      const which = list.length > 1 ? ` number ${index + 1}` : "";
      throw new ConfigurationError(`${provider}: ${option}${which} ${why}`, { provider });
    };
    const text = unwrap(key);
    const found = text.startsWith("{") ? keysOfJson(text, kind) : [keyOfText(text, kind, fail)];
    const all = found.map(
      (der) => (der && spkiOf(der, kind)) ?? fail(`must be a public key (${kind}): ${FORMS}`),
    );
    if (all.length === 0) fail(`must hold a public key (${kind})`);
    return all.map((spki) => ({ kind, spki }));
  });
}

const FORMS = "PEM, its base64, a DKIM record or a JWKS";

/** Whether a signature is that of one of the keys. All are tried; one that cannot be used does not spoil the others. */
export async function verifyByPublicKey(
  keys: readonly PublicKey[],
  hash: HashName,
  signature: Uint8Array | undefined,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (!signature) return false;
  const matches = await Promise.all(
    keys.map(async ({ kind, spki }) => {
      const isRsa = kind === "RSA";
      const algorithm = isRsa ? { name: "RSASSA-PKCS1-v1_5", hash } : { name: "ECDSA", namedCurve: "P-256" };
      try {
        const key = await importPublicKey(spki, algorithm);
        const by = isRsa ? algorithm.name : { name: algorithm.name, hash };
        return await crypto.subtle.verify(by, key, joinBytes(signature), message);
      } catch {
        return false;
      }
    }),
  );
  return matches.includes(true);
}

/**
 * Secrets of Standard Webhooks (Svix): `whsec_…`, also with the version before it (`v1,whsec_…`), or their bare base64.
 *
 * @throws ConfigurationError for one that is none of these
 */
export function webhookSecrets(provider: string, option: string, secrets: Secrets): readonly Uint8Array[] {
  return secretList(secrets).map((secret, index, list) => {
    const bytes = bytesOfBase64(unwrap(secret).replace(/^(?:v1,)?(?:whsec_)?/, ""));
    if (bytes && bytes.length > 0) return bytes;
    const which = list.length > 1 ? ` number ${index + 1}` : "";
    throw new ConfigurationError(`${provider}: ${option}${which} must be a secret of the form "whsec_…"`, {
      provider,
    });
  });
}

/** A text without what environment files put around it. */
function unwrap(text: string): string {
  return text
    .trim()
    .replace(/^(["'])([\s\S]*)\1$/, "$2")
    .replace(/\\r|\\n/g, "\n")
    .trim();
}

function keyOfText(
  text: string,
  kind: PublicKeyKind,
  fail: (why: string) => never,
): Uint8Array<ArrayBuffer> | undefined {
  const [, label, content] = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/.exec(text) ?? [];
  if (label?.includes("PRIVATE")) return fail("must be the public key; this is a private one");
  if (label !== undefined) return label.endsWith("PUBLIC KEY") ? bytesOfBase64(content) : undefined;
  // The strings of a TXT record are in quotes, and are joined.
  const record = /(?:^|[;\s"])p\s*=\s*([A-Za-z0-9+/=\s"]+)/.exec(text)?.[1];
  const isRecord = kind === "RSA" && record !== undefined && /[;=]\s*\S/.test(text) && /\bp\s*=/.test(text);
  return bytesOfBase64((isRecord ? record : text).replace(/"/g, ""));
}

function keysOfJson(text: string, kind: PublicKeyKind): readonly (Uint8Array<ArrayBuffer> | undefined)[] {
  const json = jsonOf(text);
  if (!isRecord(json)) return [undefined];
  const list = "keys" in json ? listOf(json["keys"]) : [json];
  // A set may hold keys of other kinds, and for other uses.
  return list
    .filter(isRecord)
    .filter(({ kty, crv }) => (kind === "RSA" ? kty === "RSA" : kty === "EC" && crv === kind))
    .map((key) => {
      if (kind === "RSA") {
        const [n, e] = [bytesOfBase64Url(key["n"]), bytesOfBase64Url(key["e"])];
        return n && e && der(0x30, integer(n), integer(e));
      }
      const [x, y] = [bytesOfBase64Url(key["x"]), bytesOfBase64Url(key["y"])];
      return x?.length === 32 && y?.length === 32 ? spki(kind, joinBytes(Uint8Array.of(4), x, y)) : undefined;
    });
}

function bytesOfBase64Url(text: unknown): Uint8Array<ArrayBuffer> | undefined {
  return typeof text === "string" ? bytesOfBase64(text.replace(/-/g, "+").replace(/_/g, "/")) : undefined;
}

/** The SubjectPublicKeyInfo of a key that is one, or PKCS#1; `undefined` for anything else. */
function spkiOf(key: Uint8Array<ArrayBuffer>, kind: PublicKeyKind): Uint8Array<ArrayBuffer> | undefined {
  const length = lengthAt(key, 1);
  if (key[0] !== 0x30 || length === undefined || length.start + length.value !== key.length) return undefined;
  if (key[length.start] === 0x02) return kind === "RSA" ? spki(kind, key) : undefined;
  const algorithm = ALGORITHMS[kind];
  if (!algorithm.every((byte, at) => key[length.start + at] === byte)) return undefined;
  const content = length.start + algorithm.length;
  const inner = lengthAt(key, content + 1);
  if (key[content] !== 0x03 || inner === undefined || inner.start + inner.value !== key.length)
    return undefined;
  const isPoint = kind === "RSA" || (key[inner.start + 1] === 4 && inner.value === 66);
  return isPoint ? key : undefined;
}

function spki(kind: PublicKeyKind, key: Uint8Array): Uint8Array<ArrayBuffer> {
  return der(0x30, Uint8Array.from(ALGORITHMS[kind]), der(0x03, Uint8Array.of(0), key));
}

/** A number in DER: without leading zeros, but with one where its first bit is set. */
function integer(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  return (digits[0] ?? 0) > 0x7f ? der(0x02, Uint8Array.of(0), digits) : der(0x02, digits);
}

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return joinBytes(Uint8Array.of(tag, ...length), ...parts);
}

/** A length in DER, and where its content begins. */
function lengthAt(bytes: Uint8Array, at: number): { value: number; start: number } | undefined {
  const first = bytes[at];
  if (first === undefined || first < 0x80)
    return first === undefined ? undefined : { value: first, start: at + 1 };
  const digits = first - 0x80;
  if (digits === 0 || digits > 3 || at + digits >= bytes.length) return undefined;
  let value = 0;
  for (let digit = 1; digit <= digits; digit++) value = value * 256 + (bytes[at + digit] as number);
  return { value, start: at + 1 + digits };
}
