import {
  bytesOfHex,
  requireSignature,
  type Secrets,
  secretList,
  verifyHmac,
  type WebhookPost,
} from "@posthorn/core/webhooks";

/** HMAC-SHA256 of the body. https://docs.mailtrap.io/email-api-smtp/advanced/webhooks */
export async function verifySignature(post: WebhookPost, secrets: Secrets): Promise<void> {
  const signature = bytesOfHex(post.headers.get("mailtrap-signature"));
  requireSignature("Mailtrap", await verifyHmac("SHA-256", secretList(secrets), signature, post.body));
}
