import {
  bytesOfHex,
  checkAge,
  joinBytes,
  recordOf,
  requireSignature,
  type Secrets,
  secretList,
  stringOf,
  verifyHmac,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";

/** What verifying Mailgun's posts takes. */
export interface MailgunSignatureOptions {
  /** The "HTTP webhook signing key" of the account. Environment: `MAILGUN_WEBHOOK_SIGNING_KEY`. */
  readonly signingKey?: Secrets | undefined;
}

/** Mailgun posts an event again for eight hours; whoever replays one within that time is told by its `eventId`. */
const MAX_AGE = 12 * 3600;

/** Token, time and signature of a post, in JSON or as form fields. */
export interface MailgunSignature {
  readonly token: string;
  readonly timestamp: string;
  readonly signature: string;
  /** By the key of the account above, where a subaccount posts. */
  readonly parentSignature: string;
}

/** The signature of a post. A form's metadata may use the same names; Mailgun's own come last. */
export function signatureOf(post: WebhookPost): MailgunSignature {
  const field = post.isForm
    ? (name: string) => post.form().all(name).at(-1)
    : (name: string) => stringOf(recordOf(recordOf(post.json())["signature"])[name]);
  return {
    token: field("token") ?? "",
    timestamp: field("timestamp") ?? "",
    signature: field("signature") ?? "",
    parentSignature: field("parent-signature") ?? "",
  };
}

/**
 * HMAC-SHA256 of time and token. What a subaccount posts is signed by its own key and by that of the account above; either
 * will do.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
 */
async function verifySignature(
  post: WebhookPost,
  keys: readonly string[],
  { maxAge, clock }: Pick<WebhookOptions<never>, "maxAge" | "clock">,
): Promise<void> {
  const { token, timestamp, signature, parentSignature } = signatureOf(post);
  const signed = joinBytes(timestamp, token);
  const matches = await Promise.all(
    [signature, parentSignature].map((given) => verifyHmac("SHA-256", keys, bytesOfHex(given), signed)),
  );
  requireSignature("Mailgun", matches.includes(true));
  checkAge("Mailgun", Number(timestamp), maxAge ?? MAX_AGE, (clock ?? Date).now());
}

/** What both of Mailgun's webhooks have. */
export const MAILGUN = {
  name: "Mailgun",
  envPrefix: "MAILGUN",
  options: { signingKey: { secrets: "WEBHOOK_SIGNING_KEY" } },
  verifiedBy: "signingKey",
  signsAll: "WEBHOOK_SIGNING_KEY",
  verify: (options: MailgunSignatureOptions & Pick<WebhookOptions<never>, "maxAge" | "clock">) => {
    const keys = secretList(options.signingKey);
    return keys.length > 0 ? (post: WebhookPost) => verifySignature(post, keys, options) : undefined;
  },
  // The signature covers the token, and nothing of the event, so a token lets one event through.
  keyOf: ({ eventId }: { readonly eventId: string | number | null }) => JSON.stringify(["Mailgun", eventId]),
} as const;
