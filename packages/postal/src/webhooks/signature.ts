import {
  bytesOfBase64,
  publicKeys,
  requireSignature,
  type Secrets,
  verifyByPublicKey,
  type WebhookPost,
} from "@posthorn/core/webhooks";

/** What verifying Postal's posts takes. */
export interface PostalSignatureOptions {
  /**
   * The server's public key: PEM, or the base64 of `postal default-dkim-record`. Environment: `POSTAL_WEBHOOK_KEY`.
   */
  readonly signingKey?: Secrets | undefined;
}

/**
 * RSA over the body. Postal signs with SHA-1, newer servers with SHA-256 too.
 * https://docs.postalserver.io/developer/webhooks
 */
function verifyBy({ signingKey }: PostalSignatureOptions) {
  if (!signingKey) return undefined;
  const keys = publicKeys("Postal", "signingKey", "RSA", signingKey);
  return async ({ headers, body }: WebhookPost): Promise<void> => {
    const strong = headers.get("x-postal-signature-256");
    const signature = bytesOfBase64(strong ?? headers.get("x-postal-signature"));
    requireSignature("Postal", await verifyByPublicKey(keys, strong ? "SHA-256" : "SHA-1", signature, body));
  };
}

/** What both of Postal's webhooks have. */
export const POSTAL = {
  name: "Postal",
  envPrefix: "POSTAL",
  options: { signingKey: { secrets: "WEBHOOK_KEY" } },
  verifiedBy: "signingKey",
  verify: verifyBy,
} as const;
