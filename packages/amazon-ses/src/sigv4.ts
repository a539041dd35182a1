/** Credentials of an AWS principal. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** With temporary credentials. */
  readonly sessionToken?: string | undefined;
}

/** A request to sign. */
export interface SignableRequest {
  readonly method: string;
  readonly url: string;
  /** Every header is signed. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, in hexadecimal. */
  readonly bodyHash: string;
}

/** The scope that a signature is valid for. */
export interface SigningScope {
  readonly region: string;
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The hash functions that a signature is made with. */
export interface Hashes {
  sha256(text: string): Bytes | Promise<Bytes>;
  hmac(key: Bytes, text: string): Bytes | Promise<Bytes>;
}

/** Bytes in the type that Web Cryptography accepts. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Hashes by Web Cryptography, which works in another thread. */
export const webHashes: Hashes = {
  async sha256(text) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  },
  async hmac(key, text) {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text)));
  },
};

const ALGORITHM = "AWS4-HMAC-SHA256";

/**
 * The headers of a request, signed with AWS Signature Version 4.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export async function signRequest(
  request: SignableRequest,
  credentials: AwsCredentials,
  { region, service, now }: SigningScope,
  hashes: Hashes,
): Promise<Record<string, string>> {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const date = time.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-date": time,
    ...(credentials.sessionToken ? { "x-amz-security-token": credentials.sessionToken } : {}),
  };
  const url = new URL(request.url);
  // `fetch` sets the host itself.
  const signed = Object.entries({ ...headers, host: url.host })
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/\s+/g, " ")] as const)
    .sort(([a], [b]) => compareText(a, b));
  const names = signed.map(([name]) => name).join(";");
  const canonical = [
    request.method,
    // Every service except S3 expects the path encoded a second time.
    service === "s3" ? url.pathname : url.pathname.split("/").map(encode).join("/"),
    canonicalQuery(url),
    ...signed.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    request.bodyHash,
  ].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = [ALGORITHM, time, scope, hex(await hashes.sha256(canonical))].join("\n");
  const key = await signingKey(credentials.secretAccessKey, [date, region, service, "aws4_request"], hashes);
  const signature = hex(await hashes.hmac(key, toSign));
  return {
    ...headers,
    authorization: `${ALGORITHM} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** Signing keys, derived from secret, day, region and service: each is the same for every request of a day. */
const signingKeys = new Map<string, Bytes>();
/** Enough for several accounts and regions; clearing the cache also drops expired credentials and past days. */
const MAX_KEYS = 16;

async function signingKey(secret: string, scope: readonly string[], hashes: Hashes): Promise<Bytes> {
  const id = JSON.stringify([secret, ...scope]);
  const known = signingKeys.get(id);
  if (known) return known;
  let key: Bytes = new TextEncoder().encode(`AWS4${secret}`);
  for (const part of scope) key = await hashes.hmac(key, part);
  if (signingKeys.size >= MAX_KEYS) signingKeys.clear();
  signingKeys.set(id, key);
  return key;
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort(compareText)
    .join("&");
}

/** Percent-encodes all but the unreserved characters (RFC 3986 section 2.3). */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Compares by code unit, independent of the locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Bytes as lower-case hexadecimal. */
export function hex(bytes: Bytes): string {
  let text = "";
  for (const byte of bytes) text += (byte + 0x100).toString(16).slice(1);
  return text;
}
