import type { Certificate } from "./certificate.js";

/** What tells one service that speaks SNS from another. */
export interface SnsService {
  /** Display name of the provider. */
  readonly provider: string;
  /** What its environment variables begin with, such as `AMAZON_SES`. */
  readonly envPrefix: string;
  /** Public keys (base64 of SubjectPublicKeyInfo) of the roots that its certificates lead to. */
  readonly trustAnchors: readonly string[];
  /** Whether it keeps its signing certificates at a URL. */
  readonly isCertificateUrl: (url: URL) => boolean;
  /** Whether its subscriptions are confirmed at a URL. */
  readonly isConfirmUrl: (url: URL) => boolean;
  /** Whether a certificate is one that it signs messages by. */
  readonly isSigner: (certificate: Certificate) => boolean;
  /**
   * Where the certificate of an issuer is to be had. What is got there is not trusted: it has to lead to a root.
   *
   * @param certificateUrl where the signing certificate was
   */
  readonly issuerUrls: (certificate: Certificate, certificateUrl: URL) => readonly string[];
}

/** A URL of https with neither credentials nor a port of its own, which a host may then be looked for in; else `undefined`. */
export function plainUrl(text: string | null): URL | undefined {
  if (text === null || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.protocol === "https:" && url.username === "" && url.password === "" && url.port === "";
  return isPlain ? url : undefined;
}
