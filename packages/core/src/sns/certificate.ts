import { ownProperty } from "../message/text.js";
import { bytesOfBase64 } from "../webhooks/signature.js";
import { type DerElement, elementAt, oidOf, readDer, TAG, timeOf } from "./der.js";

/** What has to be known of a certificate (RFC 5280) to follow it to a root. */
export interface Certificate {
  /** What the issuer signed. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Names as their bytes in DER, to compare by. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** DNS names that it is for. */
  readonly hosts: readonly string[];
  readonly isAuthority: boolean;
  /** Where the issuer's certificate is to be had. */
  readonly issuerUrls: readonly string[];
}

/** How a certificate is signed. */
interface SignatureAlgorithm {
  readonly name: "RSASSA-PKCS1-v1_5";
  readonly hash: "SHA-256" | "SHA-384" | "SHA-512";
}

/** sha256WithRSAEncryption and its kin; SHA-1 is left out, since no certificate of today has it. */
const ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  "2a864886f70d01010b": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "2a864886f70d01010c": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" },
  "2a864886f70d01010d": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512" },
};
const COMMON_NAME = "550403";
const BASIC_CONSTRAINTS = "551d13";
const SUBJECT_ALT_NAME = "551d11";
const AUTHORITY_ACCESS = "2b06010505070101";
const CA_ISSUERS = "2b06010505073002";
const [CONTEXT_0, CONTEXT_3] = [0xa0, 0xa3];
const [DNS_NAME, URI] = [0x82, 0x86];

/** Certificates of a PEM file (RFC 7468), or one in DER. @throws RangeError when they cannot be read */
export function parseCertificates(file: Uint8Array): readonly Certificate[] {
  if (file[0] === TAG.sequence) return [parseCertificate(file)];
  const blocks = new TextDecoder()
    .decode(file)
    .matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g);
  const certificates = [...blocks].map(([, base64]) => {
    const der = bytesOfBase64(base64);
    if (!der) throw new RangeError("the certificate is not base64");
    return parseCertificate(der);
  });
  if (certificates.length === 0) throw new RangeError("the file holds no certificate");
  return certificates;
}

function parseCertificate(der: Uint8Array): Certificate {
  const [signed, algorithm, signature] = childrenOf(elementAt(readDer(der), 0, TAG.sequence));
  if (!signed || !algorithm || signature?.tag !== TAG.bitString)
    throw new RangeError("the certificate is not whole");
  const fields = childrenOf(signed);
  // The version is left out of certificates of version 1.
  const first = fields[0]?.tag === CONTEXT_0 ? 1 : 0;
  const validity = childrenOf(elementAt(fields, first + 3, TAG.sequence));
  const subject = elementAt(fields, first + 4, TAG.sequence);
  const extensions = extensionsOf(fields.find(({ tag }) => tag === CONTEXT_3));
  const known = ownProperty(ALGORITHMS, oidOf(elementAt(childrenOf(algorithm), 0)));
  if (!known) throw new RangeError("the certificate is signed in an unknown way");
  return {
    signed: signed.bytes,
    // A bit string begins with the number of bits to leave out, none here.
    signature: signature.value.subarray(1),
    algorithm: known,
    publicKey: elementAt(fields, first + 5, TAG.sequence).bytes,
    issuer: elementAt(fields, first + 2, TAG.sequence).bytes,
    subject: subject.bytes,
    notBefore: timeOf(elementAt(validity, 0)),
    notAfter: timeOf(elementAt(validity, 1)),
    hosts: hostsOf(extensions.get(SUBJECT_ALT_NAME), subject),
    isAuthority: isAuthority(extensions.get(BASIC_CONSTRAINTS)),
    issuerUrls: issuerUrlsOf(extensions.get(AUTHORITY_ACCESS)),
  };
}

function childrenOf(element: DerElement): readonly DerElement[] {
  return readDer(element.value);
}

/** The content of each extension by its identifier. */
function extensionsOf(field: DerElement | undefined): ReadonlyMap<string, readonly DerElement[]> {
  const list = field ? childrenOf(elementAt(childrenOf(field), 0, TAG.sequence)) : [];
  return new Map(
    list.map((extension) => {
      const parts = childrenOf(extension);
      const content = parts.find(({ tag }) => tag === TAG.octetString);
      return [oidOf(elementAt(parts, 0)), content ? readDer(content.value) : []];
    }),
  );
}

function isAuthority(content: readonly DerElement[] = []): boolean {
  const [constraints] = content;
  const flag = constraints && childrenOf(constraints)[0];
  return flag?.tag === TAG.boolean && flag.value[0] === 0xff;
}

function hostsOf(names: readonly DerElement[] | undefined, subject: DerElement): readonly string[] {
  const [list] = names ?? [];
  if (list) return childrenOf(list).flatMap(({ tag, value }) => (tag === DNS_NAME ? [stringOf(value)] : []));
  // Without alternative names, the common name is the host's.
  return childrenOf(subject)
    .flatMap(childrenOf)
    .map(childrenOf)
    .flatMap(([type, value]) =>
      type && value && oidOf(type) === COMMON_NAME ? [stringOf(value.value)] : [],
    );
}

function issuerUrlsOf(content: readonly DerElement[] = []): readonly string[] {
  const [list] = content;
  if (!list) return [];
  return childrenOf(list)
    .map(childrenOf)
    .flatMap(([method, place]) =>
      method && place?.tag === URI && oidOf(method) === CA_ISSUERS ? [stringOf(place.value)] : [],
    );
}

function stringOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
