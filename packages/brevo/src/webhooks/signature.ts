import { requireToken, type Secrets, secretList, type WebhookPost } from "@posthorn/core/webhooks";

/** What verifying Brevo's posts takes, beside HTTP basic auth. */
export interface BrevoTokenOptions {
  /** The token of `auth: { type: "bearer", token }`, which the webhook was made with. Environment: `BREVO_BEARER_TOKEN`. */
  readonly bearerToken?: Secrets | undefined;
}

/** https://developers.brevo.com/docs/secured-webhooks */
export function verifyToken(post: WebhookPost, tokens: Secrets): Promise<void> {
  const given = /^bearer\s+(.+)$/i.exec(post.headers.get("authorization") ?? "")?.[1] ?? null;
  return requireToken("Brevo", secretList(tokens), given);
}
