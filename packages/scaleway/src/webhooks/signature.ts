import type { SnsService } from "@posthorn/core/sns";

/**
 * Public key (SubjectPublicKeyInfo, base64) of "Scaleway MnQ Root", good until June 2032, to which the certificates of
 * both regions lead.
 *
 * @see https://messaging.s3.fr-par.scw.cloud/fr-par/sns/sns-trust-chain.pem
 */
const SCALEWAY_ROOT =
  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAy1KJY23GeafrGhD0BXUQa9b4BkSoq1u21yUvX4ViFJuSlUb5mpgAKcBics7hOFfG9380YgYmGEadQAJwGJ5V4NqZbtbSKEZLaEiE2aAXgquTfdiYfQW/2Duw4tFC1Q50YMgj6wLWAVDrYGQ9YkTWwP36UfmSVgAKIgQR1BtdurVZ3ETHN214sugB1CceWCrZPmnoTFYcXaXjvOhbHnsbEZa2kRRHx81eO+sJrFPxJEZMdiuF0q5RG7TCp4t7hkqjVmGRPYOZNQL9Xjgsqz6oco/iQ/9NE9Y+W5IuU0LDYQQ1oBPtiMhgVdGC+FNRAN0PLw2oyU+WzJH3WNZ+As45IQIDAQAB";

/** Where Scaleway puts certificates: a bucket of its own, with a folder for each region. */
const CERTIFICATE_HOST = /^messaging\.s3\.([a-z]{2}-[a-z]{3})\.scw\.cloud$/;

/**
 * Scaleway's Topics and Events, which speaks SNS. It signs by a certificate that it changes every year, issued by an
 * intermediate that it changes every three, under one root.
 *
 * @see https://www.scaleway.com/en/docs/topics-and-events/reference-content/verifying-webhooks/
 */
export const SCALEWAY_SNS: SnsService = {
  provider: "Scaleway",
  envPrefix: "SCALEWAY",
  trustAnchors: [SCALEWAY_ROOT],
  isCertificateUrl: ({ hostname }) => CERTIFICATE_HOST.test(hostname),
  isConfirmUrl: ({ hostname }) => /^sns\.mnq\.[a-z]{2}-[a-z]{3}\.scaleway\.com$/.test(hostname),
  // The certificates name no host to look for; the root issues for this service alone.
  isSigner: ({ isAuthority }) => !isAuthority,
  issuerUrls: (_, { origin, hostname, pathname }) => {
    const region = (/^\/([a-z]{2}-[a-z]{3})\//.exec(pathname) ?? CERTIFICATE_HOST.exec(hostname))?.[1];
    return [`${origin}/${region}/sns/sns-trust-chain.pem`];
  },
};
