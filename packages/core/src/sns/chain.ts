import { importPublicKey, joinBytes } from "../webhooks/signature.js";
import { type Certificate, parseCertificates } from "./certificate.js";

/** Gets a file; it says no by throwing. */
type GetFile = (url: string) => Promise<Uint8Array>;

/** What a chain is checked by. */
export interface ChainOptions {
  /** Public keys of roots, as base64 of SubjectPublicKeyInfo. */
  readonly trustAnchors: readonly string[];
  /** Where the certificate of an issuer may be had. */
  readonly issuerUrls: (certificate: Certificate) => readonly string[];
  readonly getFile: GetFile;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Leaf, up to three intermediates, root: the chains of SNS have one or two between. */
const MAX_DEPTH = 5;

/**
 * Follows a certificate to a trusted root: every signature right, every certificate in its time, every issuer an
 * authority. Issuers that the file lacks are fetched.
 *
 * @returns until when the chain holds, in milliseconds since 1970
 * @throws RangeError with the reason when the chain does not hold
 */
export async function verifyChain(
  certificates: readonly Certificate[],
  options: ChainOptions,
): Promise<number> {
  let [current, ...others] = certificates;
  let validUntil = Number.POSITIVE_INFINITY;
  for (let depth = 0; current && depth < MAX_DEPTH; depth++) {
    if (!(options.now >= current.notBefore && options.now <= current.notAfter)) {
      throw new RangeError("a certificate of the chain is not valid at this time");
    }
    validUntil = Math.min(validUntil, current.notAfter);
    if (await isSignedByAny(current, options.trustAnchors)) return validUntil;
    const issuer: Certificate = findIssuer(current, others) ?? (await fetchIssuer(current, options));
    if (!issuer.isAuthority)
      throw new RangeError("a certificate of the chain is issued by one that is no authority");
    if (!(await isSignedBy(current, issuer.publicKey))) {
      throw new RangeError("a certificate of the chain is not signed by its issuer");
    }
    others = others.filter((other) => other !== issuer);
    current = issuer;
  }
  throw new RangeError("the chain does not lead to a trusted root");
}

function findIssuer(certificate: Certificate, candidates: readonly Certificate[]): Certificate | undefined {
  return candidates.find(({ subject }) => sameBytes(subject, certificate.issuer));
}

async function fetchIssuer(
  certificate: Certificate,
  { issuerUrls, getFile }: ChainOptions,
): Promise<Certificate> {
  const [url] = issuerUrls(certificate);
  if (!url) throw new RangeError("the chain ends before a trusted root");
  const issuer = findIssuer(certificate, parseCertificates(await getFile(url)));
  if (!issuer) throw new RangeError("the issuer's certificate is that of another");
  return issuer;
}

async function isSignedByAny(certificate: Certificate, keys: readonly string[]): Promise<boolean> {
  const matches = await Promise.all(keys.map((key) => isSignedBy(certificate, key)));
  return matches.includes(true);
}

async function isSignedBy(certificate: Certificate, publicKey: string | Uint8Array): Promise<boolean> {
  try {
    const key = await importPublicKey(publicKey, certificate.algorithm);
    return await crypto.subtle.verify(
      certificate.algorithm,
      key,
      joinBytes(certificate.signature),
      joinBytes(certificate.signed),
    );
  } catch {
    // A key of another kind than the signature.
    return false;
  }
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
