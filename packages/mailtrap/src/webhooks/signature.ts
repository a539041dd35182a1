import {
  bytesOfHex,
  isRecord,
  jsonOf,
  listOf,
  recordOf,
  requireSignature,
  type Secrets,
  secretList,
  stringOf,
  verifyHmac,
  type WebhookPost,
  WebhookRequestError,
} from "@posthorn/core/webhooks";

/** HMAC-SHA256 of the body. https://docs.mailtrap.io/email-api-smtp/advanced/webhooks */
async function verifySignature(post: WebhookPost, secrets: Secrets): Promise<void> {
  const signature = bytesOfHex(post.headers.get("mailtrap-signature"));
  requireSignature("Mailtrap", await verifyHmac("SHA-256", secretList(secrets), signature, post.body));
}

/** What both of Mailtrap's webhooks have. Mailtrap posts again what is answered with anything but 2xx. */
export const MAILTRAP = {
  name: "Mailtrap",
  envPrefix: "MAILTRAP",
  verifiedBy: "signingKey",
  verify: ({ signingKey }: { readonly signingKey?: Secrets | undefined }) =>
    signingKey ? (post: WebhookPost) => verifySignature(post, signingKey) : undefined,
} as const;

/** Events of a post in either payload format, a JSON object with a list or a line of JSON for each. */
export function entriesOf(post: WebhookPost): readonly unknown[] {
  const body = jsonOf(post.text());
  // One line alone is an event too.
  if (isRecord(body)) return "event" in body ? [body] : listOf(body["events"]);
  const lines = post
    .text()
    .split("\n")
    .filter((line) => line.trim() !== "");
  const entries = lines.map((line) => jsonOf(line) ?? line);
  if (entries.some(isRecord)) return entries;
  throw new WebhookRequestError("Mailtrap: the body is not JSON of events", { status: 400 });
}

/** Whether an entry tells of a received message; the test of the settings page writes it with an underscore. */
export function isMessage(entry: unknown): boolean {
  return /^inbound[._]message_received$/.test(stringOf(recordOf(entry)["event"]) ?? "");
}
