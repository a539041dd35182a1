import {
  basicCredentials,
  bytesOfBase64,
  ConfigurationError,
  joinBytes,
  requireSignature,
  type Secrets,
  secretList,
  verifyHmac,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";

/** What verifying Mandrill's posts takes. */
export interface MandrillSignatureOptions {
  /** The key that Mandrill shows beside the webhook. Environment: `MANDRILL_WEBHOOK_KEY`. */
  readonly signingKey?: Secrets | undefined;
  /**
   * The webhook's URL exactly as it was given to Mandrill, credentials too: it is part of what is signed. Default: the
   * request's own, which differs behind a proxy. Environment: `MANDRILL_WEBHOOK_URL`.
   */
  readonly webhookUrl?: string | undefined;
}

/** HMAC-SHA1 of the URL and the fields by name. https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/ */
async function verifySignature(
  post: WebhookPost,
  { signingKey, webhookUrl }: MandrillSignatureOptions,
): Promise<void> {
  const keys = secretList(signingKey);
  // Mandrill looks for the URL before it gives the key, so a webhook may be made without.
  if (keys.length === 0) {
    throw new ConfigurationError(
      "Mandrill: option signingKey is missing; copy it from Mandrill's webhook settings",
      {
        provider: "Mandrill",
      },
    );
  }
  const fields = post
    .form()
    .fields.filter(({ filename }) => filename === null || filename === "")
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .flatMap(({ name, bytes }) => [name, bytes]);
  const signature = bytesOfBase64(post.headers.get("x-mandrill-signature"));
  const matches = await Promise.all(
    urls(post.request, webhookUrl).map((url) =>
      verifyHmac("SHA-1", keys, signature, joinBytes(url, ...fields)),
    ),
  );
  requireSignature("Mandrill", matches.includes(true));
}

/** What the URL may have been given to Mandrill as: with the credentials that the post came with, or without. */
function urls(request: Request, webhookUrl: string | undefined): readonly string[] {
  if (webhookUrl) return [webhookUrl];
  const credentials = basicCredentials(request.headers);
  if (credentials === undefined) return [request.url];
  const [scheme = "", rest = ""] = request.url.split("://", 2);
  return [`${scheme}://${credentials}@${rest}`, request.url];
}

/** What both of Mandrill's webhooks have. Mandrill posts again what is answered with anything but 200. */
export const MANDRILL = {
  name: "Mandrill",
  envPrefix: "MANDRILL",
  options: { signingKey: { secrets: "WEBHOOK_KEY" }, webhookUrl: "text" },
  verifiedBy: "signingKey",
  verify: (options: MandrillSignatureOptions & Pick<WebhookOptions<never>, "basicAuth">) =>
    options.signingKey || options.basicAuth
      ? (post: WebhookPost) => verifySignature(post, options)
      : undefined,
} as const;
