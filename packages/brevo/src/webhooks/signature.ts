import { requireToken, type Secrets, secretList, type WebhookPost } from "@posthorn/core/webhooks";

/** What verifying Brevo's posts takes, beside HTTP basic auth. */
export interface BrevoTokenOptions {
  /** The token of `auth: { type: "bearer", token }`, which the webhook was made with. Environment: `BREVO_BEARER_TOKEN`. */
  readonly bearerToken?: Secrets | undefined;
}

/** https://developers.brevo.com/docs/secured-webhooks */
function verifyToken(post: WebhookPost, tokens: Secrets): Promise<void> {
  const given = /^bearer\s+(.+)$/i.exec(post.headers.get("authorization") ?? "")?.[1] ?? null;
  return requireToken("Brevo", secretList(tokens), given);
}

/** What both of Brevo's webhooks have. */
export const BREVO = {
  name: "Brevo",
  envPrefix: "BREVO",
  options: { bearerToken: "secrets" },
  verifiedBy: "bearerToken",
  // Brevo throws away what is answered 5xx, and 4xx but 429. https://developers.brevo.com/docs/retry-mechanism
  retryStatus: 429,
  verify: ({ bearerToken }: BrevoTokenOptions) =>
    bearerToken ? (post: WebhookPost) => verifyToken(post, bearerToken) : undefined,
} as const;
