import { ConfigurationError } from "@posthorn/core";

/** What bytes belong to; authenticated with them, so that one row's bytes do not decrypt in another's place. */
export interface CipherContext {
  readonly kind: "payload" | "blob";
  /** Id of the message, or hash of the blob. */
  readonly id: string;
}

/** Encrypts what is stored. `name` goes into the row, so that keys can be changed while old rows are still read. */
export interface Cipher {
  /** Name of the key that `encrypt` uses now. */
  readonly name: string;
  encrypt(bytes: Uint8Array, context: CipherContext): Promise<Uint8Array>;
  /** @param name what `name` was when the bytes were encrypted */
  decrypt(bytes: Uint8Array, context: CipherContext, name: string): Promise<Uint8Array>;
  /** A keyed hash (such as HMAC-SHA-256) of attachments: a plain one would tell who has the same file. */
  mac(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Keys by name, 32 bytes each: the raw bytes, or base64. */
export type CipherKeys = Readonly<Record<string, Uint8Array | string>>;

/**
 * AES-256-GCM by WebCrypto. The first key encrypts; the others only decrypt.
 *
 * @throws ConfigurationError for no key, or one that has not 32 bytes
 * @example createOutbox({ store, cipher: webCryptoCipher({ "2026-11": process.env.MAIL_KEY, "2026-05": process.env.OLD_MAIL_KEY }) })
 */
export function webCryptoCipher(keys: CipherKeys): Cipher {
  const names = Object.keys(keys);
  const [name] = names;
  if (name === undefined) throw new ConfigurationError("webCryptoCipher must have at least one key");
  for (const each of names) {
    if (keyBytes(keys[each]).length !== 32)
      throw new ConfigurationError(`Key "${each}" must be 32 bytes, raw or as base64`);
    if (each === "json" || each === "raw")
      throw new ConfigurationError(`Key "${each}" must have another name`);
  }
  const imported = new Map<string, Promise<CryptoKey>>();
  const keyOf = (which: string): Promise<CryptoKey> => {
    if (!Object.hasOwn(keys, which))
      throw new ConfigurationError(`There is no key "${which}" to decrypt with`);
    const made =
      imported.get(which) ??
      crypto.subtle.importKey("raw", copy(keyBytes(keys[which])), "AES-GCM", false, ["encrypt", "decrypt"]);
    imported.set(which, made);
    return made;
  };
  // The oldest key names blobs, so that a rotation does not store every file again.
  const macKey = crypto.subtle.importKey(
    "raw",
    copy(keyBytes(keys[names.at(-1) as string])),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return {
    name,
    async encrypt(bytes, context) {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const sealed = await crypto.subtle.encrypt(parameters(iv, context), await keyOf(name), copy(bytes));
      const all = new Uint8Array(12 + sealed.byteLength);
      all.set(iv);
      all.set(new Uint8Array(sealed), 12);
      return all;
    },
    async decrypt(bytes, context, which) {
      const iv = copy(bytes.subarray(0, 12));
      return new Uint8Array(
        await crypto.subtle.decrypt(parameters(iv, context), await keyOf(which), copy(bytes.subarray(12))),
      );
    },
    async mac(bytes) {
      return new Uint8Array(await crypto.subtle.sign("HMAC", await macKey, copy(bytes)));
    },
  };
}

function parameters(iv: Uint8Array<ArrayBuffer>, context: CipherContext): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(`${context.kind}:${context.id}`) };
}

function keyBytes(key: Uint8Array | string | undefined): Uint8Array {
  if (key instanceof Uint8Array) return key;
  try {
    return Uint8Array.from(atob(key ?? ""), (char) => char.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** WebCrypto's types want bytes that are not shared. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
