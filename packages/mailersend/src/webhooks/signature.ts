import {
  bytesOfHex,
  jsonOf,
  recordOf,
  requireSignature,
  type Secrets,
  secretList,
  verifyHmac,
  type WebhookPost,
} from "@posthorn/core/webhooks";

/**
 * The secret by which MailerSend signs the test of a webhook that is about to be saved, whose own secret is shown only then. It
 * is published, so it is good for `webhook.test` alone, of which nothing is handed out.
 *
 * @see https://developers.mailersend.com/api/v1/webhooks.html#webhooks-overview
 */
const TEST_SECRET = "test_Am3L1GuOIc4blLUuHqAPxxwkZaJyEk8G";

/** HMAC-SHA256 of the body. https://developers.mailersend.com/api/v1/webhooks.html#security */
async function verifySignature(post: WebhookPost, secrets: Secrets): Promise<void> {
  const signature = bytesOfHex(post.headers.get("signature"));
  const isTest = recordOf(jsonOf(post.text()))["type"] === "webhook.test";
  const keys = isTest ? [...secretList(secrets), TEST_SECRET] : secretList(secrets);
  requireSignature("MailerSend", await verifyHmac("SHA-256", keys, signature, post.body));
}

/** What both of MailerSend's webhooks have. */
export const MAILERSEND = {
  name: "MailerSend",
  envPrefix: "MAILERSEND",
  verifiedBy: "signingKey",
  verify: ({ signingKey }: { readonly signingKey?: Secrets | undefined }) =>
    signingKey ? (post: WebhookPost) => verifySignature(post, signingKey) : undefined,
} as const;
