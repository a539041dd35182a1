import {
  bytesOfBase64,
  type HashName,
  importPublicKey,
  joinBytes,
  requireSignature,
  type Secrets,
  secretList,
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
export async function verifySignature(post: WebhookPost, keys: Secrets): Promise<void> {
  const strong = post.headers.get("x-postal-signature-256");
  const hash: HashName = strong ? "SHA-256" : "SHA-1";
  const signature = bytesOfBase64(strong ?? post.headers.get("x-postal-signature"));
  const matches = await Promise.all(
    secretList(keys).map(async (key) => {
      const imported = await importPublicKey(key, { name: "RSASSA-PKCS1-v1_5", hash });
      return crypto.subtle.verify("RSASSA-PKCS1-v1_5", imported, joinBytes(signature ?? ""), post.body);
    }),
  );
  requireSignature("Postal", matches.includes(true));
}
