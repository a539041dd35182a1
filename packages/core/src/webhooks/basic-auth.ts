import { WebhookSignatureError } from "../errors.js";
import { bytesOfBase64, equalStrings } from "./signature.js";

/**
 * Checks HTTP basic auth.
 *
 * @param secrets `user:password` texts, any of which will do
 * @see https://www.rfc-editor.org/rfc/rfc7617
 * @throws WebhookSignatureError
 */
export async function checkBasicAuth(
  provider: string,
  secrets: readonly string[],
  headers: Headers,
): Promise<void> {
  const text = basicCredentials(headers);
  if (text === undefined)
    throw new WebhookSignatureError(`${provider}: HTTP basic auth is missing`, { provider });
  const matches = await Promise.all(secrets.map((secret) => equalStrings(secret, text)));
  if (!matches.includes(true)) {
    throw new WebhookSignatureError(`${provider}: HTTP basic auth does not match`, { provider });
  }
}

/** The credentials of HTTP basic auth as `user:password`, where there are any. */
export function basicCredentials(headers: Headers): string | undefined {
  const [scheme, credentials] = (headers.get("authorization") ?? "").split(/\s+/, 2);
  const given = scheme?.toLowerCase() === "basic" ? bytesOfBase64(credentials) : undefined;
  return given && new TextDecoder().decode(given);
}
