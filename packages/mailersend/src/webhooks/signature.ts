import {
  bytesOfHex,
  requireSignature,
  type Secrets,
  secretList,
  verifyHmac,
  type WebhookPost,
} from "@posthorn/core/webhooks";

/** HMAC-SHA256 of the body. https://developers.mailersend.com/api/v1/webhooks.html#security */
export async function verifySignature(post: WebhookPost, secrets: Secrets): Promise<void> {
  const signature = bytesOfHex(post.headers.get("signature"));
  requireSignature("MailerSend", await verifyHmac("SHA-256", secretList(secrets), signature, post.body));
}
