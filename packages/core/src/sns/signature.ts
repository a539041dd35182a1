import { fetchBytes } from "../bytes/fetch-bytes.js";
import { WebhookSignatureError } from "../errors.js";
import { ownProperty } from "../message/text.js";
import {
  bytesOfBase64,
  checkAge,
  type HashName,
  importPublicKey,
  joinBytes,
  requireSignature,
} from "../webhooks/signature.js";
import { stringOf } from "../webhooks/values.js";
import { type Certificate, parseCertificates } from "./certificate.js";
import { verifyChain } from "./chain.js";
import type { SnsEnvelope } from "./envelope.js";
import { plainUrl, type SnsService } from "./service.js";

/** What verifying messages of SNS takes. */
export interface SnsSignatureOptions {
  /** Public keys of root certificates (base64 of SubjectPublicKeyInfo) instead of the provider's. */
  readonly trustAnchors?: readonly string[] | undefined;
  /** The `fetch` to use instead of the platform's, for whatever the webhook fetches. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Seconds between signing and arrival. Default two hours. */
  readonly maxAge?: number | undefined;
  readonly clock?: { now(): number } | undefined;
}

/**
 * SNS tries for up to an hour, whatever the delivery policy, and signs once. The rest is for slow answers and clocks.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
 */
const MAX_AGE = 7200;

/** Members that are signed, in order. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html */
const NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const CONFIRMATION = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

const HASHES: Readonly<Record<string, HashName>> = { "1": "SHA-1", "2": "SHA-256" };

/** A certificate whose chain was checked. */
interface Signer {
  readonly certificate: Certificate;
  /** Milliseconds since 1970. */
  readonly validUntil: number;
}

/** Certificates that were checked, by address: SNS keeps one for months. */
export type SignerCache = Map<string, Promise<Signer>>;

/**
 * Checks the signature of a message, and the certificate behind it to a root.
 *
 * @throws WebhookSignatureError with the reason
 */
export async function verifySns(
  service: SnsService,
  envelope: SnsEnvelope,
  options: SnsSignatureOptions,
  cache: SignerCache,
): Promise<void> {
  const { provider } = service;
  const { fields } = envelope;
  const url = plainUrl(stringOf(fields["SigningCertURL"]));
  const hash = ownProperty(HASHES, stringOf(fields["SignatureVersion"]));
  const signature = bytesOfBase64(stringOf(fields["Signature"]));
  if (!hash || !signature) return refuse(provider, "the signature is missing or of an unknown version");
  if (!url || !service.isCertificateUrl(url)) {
    return refuse(provider, "the certificate's address is not one of SNS");
  }
  const now = (options.clock ?? Date).now();
  const { certificate } = await signerAt(service, url, options, cache, now);
  const key = await importPublicKey(certificate.publicKey, { name: "RSASSA-PKCS1-v1_5", hash });
  requireSignature(
    provider,
    await crypto.subtle.verify(
      "RSASSA-PKCS1-v1_5",
      key,
      joinBytes(signature),
      joinBytes(signedText(envelope)),
    ),
  );
  checkAge(provider, Date.parse(envelope.timestamp ?? "") / 1000, options.maxAge ?? MAX_AGE, now);
}

/** What SNS signs: the name and the value of each member that there is. */
function signedText({ type, fields }: SnsEnvelope): string {
  return (type === "Notification" ? NOTIFICATION : CONFIRMATION)
    .filter((name) => fields[name] !== undefined && fields[name] !== null)
    .map((name) => `${name}\n${stringOf(fields[name]) ?? ""}\n`)
    .join("");
}

/** Bytes of a file of certificates. */
const MAX_CERTIFICATE = 200_000;

/** More than SNS has regions: an attacker's addresses must not fill the memory. */
const MAX_CACHED = 64;

async function signerAt(
  service: SnsService,
  url: URL,
  options: SnsSignatureOptions,
  cache: SignerCache,
  now: number,
): Promise<Signer> {
  const known = cache.get(url.href);
  if (known) {
    const signer = await known;
    if (now <= signer.validUntil) return signer;
  }
  const loading = loadSigner(service, url, options, now);
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(url.href, loading);
  try {
    return await loading;
  } catch (error) {
    // What failed once may work the next time.
    cache.delete(url.href);
    throw error;
  }
}

async function loadSigner(
  service: SnsService,
  url: URL,
  options: SnsSignatureOptions,
  now: number,
): Promise<Signer> {
  const getFile = (address: string) =>
    fetchBytes(service.provider, address, {}, options.fetch, MAX_CERTIFICATE);
  const file = await getFile(url.href);
  try {
    const certificates = parseCertificates(file);
    const [certificate] = certificates;
    if (!certificate || !service.isSigner(certificate)) {
      throw new RangeError("the certificate is not one of SNS");
    }
    const validUntil = await verifyChain(certificates, {
      trustAnchors: options.trustAnchors ?? service.trustAnchors,
      issuerUrls: (issued) => service.issuerUrls(issued, url),
      getFile,
      now,
    });
    return { certificate, validUntil };
  } catch (error) {
    if (error instanceof RangeError) return refuse(service.provider, error.message);
    throw error;
  }
}

function refuse(provider: string, why: string): never {
  throw new WebhookSignatureError(`${provider}: ${why}`, { provider });
}
