import { importPublicKey, joinBytes } from "@posthorn/core/webhook";
import { type Certificate, parseCertificates } from "./certificate.js";

/** Gets a file; it says no by throwing. */
export type GetFile = (url: string) => Promise<Uint8Array>;

/** What a chain is checked by. */
export interface ChainOptions {
  /** Public keys of roots, as base64 of SubjectPublicKeyInfo. */
  readonly trustAnchors: readonly string[];
  readonly getFile: GetFile;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Leaf, up to three intermediates, root: Amazon's chains have one or two between. */
const MAX_DEPTH = 5;

/**
 * Follows a certificate to a trusted root: every signature right, every certificate in its time, every issuer an authority. Issuers that
 * the file lacks are fetched from where Amazon's certificates say they are.
 *
 * @throws RangeError with the reason when the chain does not hold
 */
export async function verifyChain(
  certificates: readonly Certificate[],
  options: ChainOptions,
): Promise<void> {
  let [current, ...others] = certificates;
  for (let depth = 0; current && depth < MAX_DEPTH; depth++) {
    if (options.now < current.notBefore || options.now > current.notAfter) {
      throw new RangeError("a certificate of the chain is not valid at this time");
    }
    if (await isSignedByAny(current, options.trustAnchors)) return;
    const issuer: Certificate = findIssuer(current, others) ?? (await fetchIssuer(current, options.getFile));
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

async function fetchIssuer(certificate: Certificate, getFile: GetFile): Promise<Certificate> {
  // The address is not trusted, only used: what it gives has to be signed by the root, and the host is Amazon's own.
  const url = certificate.issuerUrls.find((candidate) =>
    /^https?:\/\/[a-z0-9.-]+\.amazontrust\.com\/[\w.-]+$/.test(candidate),
  );
  if (!url) throw new RangeError("the chain ends before a trusted root");
  const [issuer] = parseCertificates(await getFile(url));
  if (!issuer || !sameBytes(issuer.subject, certificate.issuer)) {
    throw new RangeError("the issuer's certificate is that of another");
  }
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
