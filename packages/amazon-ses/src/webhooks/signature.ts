import {
  bytesOfBase64,
  checkAge,
  fetchBytes,
  type HashName,
  importPublicKey,
  joinBytes,
  requireSignature,
  textOf,
  WebhookSignatureError,
} from "@posthorn/core/webhook";
import { type Certificate, parseCertificates } from "./certificate.js";
import { verifyChain } from "./chain.js";
import { isSnsUrl, type SnsEnvelope } from "./sns.js";
import { AMAZON_ROOTS } from "./trust-anchors.js";

/** What verifying messages of SNS takes. */
export interface SnsSignatureOptions {
  /** Public keys of root certificates (base64 of SubjectPublicKeyInfo) instead of Amazon's. */
  readonly trustAnchors?: readonly string[] | undefined;
  /** The `fetch` to use instead of the platform's: for certificates, confirmations and mail in S3. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly maxAge?: number | undefined;
  readonly clock?: { now(): number } | undefined;
}

/** SNS tries for up to an hour by default (its longest policy ends within that), and its clocks are right. */
const MAX_AGE = 3600;

/** Members that are signed, in order. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html */
const NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const CONFIRMATION = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

const HASHES: Readonly<Record<string, HashName>> = { "1": "SHA-1", "2": "SHA-256" };

/** Certificates that were checked, by address: SNS keeps one for months. */
export type CertificateCache = Map<string, Promise<Certificate>>;

/**
 * Checks the signature of a message, and the certificate behind it to a root of Amazon's.
 *
 * @throws WebhookSignatureError with the reason
 */
export async function verifySns(
  envelope: SnsEnvelope,
  options: SnsSignatureOptions,
  cache: CertificateCache,
): Promise<void> {
  const { fields } = envelope;
  const url = textOf(fields["SigningCertURL"]) ?? "";
  const hash = HASHES[textOf(fields["SignatureVersion"]) ?? ""];
  const signature = bytesOfBase64(textOf(fields["Signature"]));
  if (!hash || !signature) refuse("the signature is missing or of an unknown version");
  if (!isSnsUrl(url)) refuse("the certificate's address is not one of SNS");
  const now = (options.clock ?? Date).now();
  const certificate = await certificateAt(url, options, cache, now);
  if (now > certificate.notAfter) refuse("the certificate has expired");
  const names = envelope.type === "Notification" ? NOTIFICATION : CONFIRMATION;
  const text = names
    .filter((name) => fields[name] !== undefined && fields[name] !== null)
    .map((name) => `${name}\n${textOf(fields[name]) ?? ""}\n`)
    .join("");
  const key = await importPublicKey(certificate.publicKey, { name: "RSASSA-PKCS1-v1_5", hash });
  requireSignature(
    "Amazon SES",
    await crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, joinBytes(signature ?? ""), joinBytes(text)),
  );
  checkAge("Amazon SES", Date.parse(envelope.timestamp ?? "") / 1000, options.maxAge ?? MAX_AGE, now);
}

/** More than SNS has regions: an attacker's addresses must not fill the memory. */
const MAX_CACHED = 64;

async function certificateAt(
  url: string,
  options: SnsSignatureOptions,
  cache: CertificateCache,
  now: number,
): Promise<Certificate> {
  const known = cache.get(url);
  if (known) return known;
  const loading = loadCertificate(url, options, now);
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(url, loading);
  try {
    return await loading;
  } catch (error) {
    // What failed once may work the next time.
    cache.delete(url);
    throw error;
  }
}

async function loadCertificate(url: string, options: SnsSignatureOptions, now: number): Promise<Certificate> {
  const getFile = (address: string) => fetchBytes("Amazon SES", address, {}, options.fetch);
  const file = await getFile(url);
  try {
    const certificates = parseCertificates(file);
    const [leaf] = certificates;
    if (!leaf?.hosts.some((host) => /^sns(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$/.test(host))) {
      throw new RangeError("the certificate is not one of SNS");
    }
    await verifyChain(certificates, { trustAnchors: options.trustAnchors ?? AMAZON_ROOTS, getFile, now });
    return leaf;
  } catch (error) {
    if (error instanceof RangeError) return refuse(error.message);
    throw error;
  }
}

function refuse(why: string): never {
  throw new WebhookSignatureError(`Amazon SES: ${why}`, { provider: "Amazon SES" });
}
