import {
  bytesOfBase64,
  ConfigurationError,
  checkAge,
  joinBytes,
  requireSignature,
  type Secrets,
  secretList,
  verifyHmac,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";

/** As Svix prescribes; it signs anew each time it posts. */
const MAX_AGE = 300;

/**
 * Svix: HMAC-SHA256 of id, time and body, any of the signatures by any of the secrets.
 *
 * @see https://docs.svix.com/receiving/verifying-payloads/how-manual
 */
async function verifySignature(
  post: WebhookPost,
  keys: readonly Uint8Array[],
  { maxAge, clock }: Pick<WebhookOptions<never>, "maxAge" | "clock">,
): Promise<void> {
  const id = post.headers.get("svix-id") ?? "";
  const timestamp = post.headers.get("svix-timestamp") ?? "";
  const message = joinBytes(`${id}.${timestamp}.`, post.body);
  const signatures = (post.headers.get("svix-signature") ?? "")
    .split(" ")
    .filter((signature) => signature.startsWith("v1,"));
  const matches = await Promise.all(
    signatures.map((signature) => verifyHmac("SHA-256", keys, bytesOfBase64(signature.slice(3)), message)),
  );
  requireSignature("Resend", id !== "" && matches.includes(true));
  checkAge("Resend", Number(timestamp), maxAge ?? MAX_AGE, (clock ?? Date).now());
}

function keyOf(secret: string): Uint8Array {
  const key = bytesOfBase64(secret.replace(/^whsec_/, ""));
  if (key) return key;
  throw new ConfigurationError('Resend: the signing secret is not of the form "whsec_…"', {
    provider: "Resend",
  });
}

/** What both of Resend's webhooks have. Svix posts again what is answered with anything but 2xx. */
export const RESEND = {
  name: "Resend",
  envPrefix: "RESEND",
  verifiedBy: "signingKey",
  verify: (
    options: { readonly signingKey?: Secrets | undefined } & Pick<WebhookOptions<never>, "maxAge" | "clock">,
  ) => {
    const keys = secretList(options.signingKey).map(keyOf);
    return keys.length > 0 ? (post: WebhookPost) => verifySignature(post, keys, options) : undefined;
  },
} as const;
