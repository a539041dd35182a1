import {
  bytesOfBase64,
  checkAge,
  joinBytes,
  type PublicKey,
  publicKeys,
  requireSignature,
  type Secrets,
  verifyByPublicKey,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";

/** SendGrid posts an event again for a day; whoever replays one within that time is told by its `eventId`. */
const MAX_AGE = 24 * 3600;

/**
 * ECDSA on P-256 over time and body.
 *
 * @see https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 */
async function verifySignature(
  post: WebhookPost,
  keys: readonly PublicKey[],
  { maxAge, clock }: Pick<WebhookOptions<never>, "maxAge" | "clock">,
): Promise<void> {
  const timestamp = post.headers.get("x-twilio-email-event-webhook-timestamp") ?? "";
  const signature = rawSignature(bytesOfBase64(post.headers.get("x-twilio-email-event-webhook-signature")));
  const message = joinBytes(timestamp, post.body);
  requireSignature("SendGrid", await verifyByPublicKey(keys, "SHA-256", signature, message));
  // The signature vouches for the time, whatever its form; only a number tells its age.
  const signedAt = Number(timestamp);
  if (Number.isFinite(signedAt)) checkAge("SendGrid", signedAt, maxAge ?? MAX_AGE, (clock ?? Date).now());
}

/**
 * Two numbers of 32 bytes, as Web Cryptography takes them, out of the DER that SendGrid sends (RFC 3279 section 2.2.3);
 * `undefined` where it is none.
 */
function rawSignature(der: Uint8Array | undefined): Uint8Array | undefined {
  if (der?.[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const number = der.subarray(at + 2, at + 2 + length);
    if (der[at] !== 0x02 || number.length !== length || length === 0) return undefined;
    const digits = number[0] === 0 ? number.subarray(1) : number;
    if (digits.length > 32) return undefined;
    raw.set(digits, end - digits.length);
    at += 2 + length;
  }
  return at === der.length ? raw : undefined;
}

/** What both of SendGrid's webhooks have. */
export const SENDGRID = {
  name: "SendGrid",
  envPrefix: "SENDGRID",
  verifiedBy: "signingKey",
  verify: (
    options: { readonly signingKey?: Secrets | undefined } & Pick<WebhookOptions<never>, "maxAge" | "clock">,
  ) => {
    if (!options.signingKey) return undefined;
    const keys = publicKeys("SendGrid", "signingKey", "P-256", options.signingKey);
    return (post: WebhookPost) => verifySignature(post, keys, options);
  },
} as const;
