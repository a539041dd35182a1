import type { SnsService } from "@posthorn/core/sns";
import { AMAZON_ROOTS } from "./trust-anchors.js";

/** Amazon's SNS. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html */
export const AMAZON_SNS: SnsService = {
  provider: "Amazon SES",
  envPrefix: "AMAZON_SES",
  trustAnchors: AMAZON_ROOTS,
  isCertificateUrl: isSnsHost,
  isConfirmUrl: isSnsHost,
  isSigner: ({ hosts }) =>
    hosts.some((host) => /^sns(?:\.[a-z]{2,4}(?:-[a-z]+)+-\d+)?\.amazonaws\.com(?:\.cn)?$/.test(host)),
  // Amazon's certificates name the file of their issuer, which is on a host of Amazon Trust Services.
  issuerUrls: ({ issuerUrls }) =>
    issuerUrls.filter((url) => /^https?:\/\/[a-z0-9.-]+\.amazontrust\.com\/[\w.-]+$/.test(url)),
};

/** `sns.eu-west-1.amazonaws.com`, and no bucket named `sns` as in `sns.s3-eu-west-1.amazonaws.com`. */
function isSnsHost({ hostname }: URL): boolean {
  return /^sns\.[a-z]{2,4}(?:-[a-z]+)+-\d+\.amazonaws\.com(?:\.cn)?$/.test(hostname);
}
