import { md5 } from "@noble/hashes/legacy.js";
import {
  equalStrings,
  joinBytes,
  requireSignature,
  type Secrets,
  secretList,
  stringOf,
  type WebhookPost,
} from "@posthorn/core/webhooks";

/**
 * MD5 of the body with the API key in the place of the signature, whatever way the JSON is written.
 *
 * @see https://godocs.unisender.ru/web-api-ref#callback-format
 */
export async function verifySignature(post: WebhookPost, apiKeys: Secrets): Promise<void> {
  const text = post.text();
  const auth = stringOf((post.json() as { auth?: unknown } | null)?.auth) ?? "";
  const matches = await Promise.all(
    secretList(apiKeys).map(async (key) => {
      // Web Cryptography has no MD5, since it is weak; it is what Unisender Go signs by.
      const signed = text.replace(`"${auth}"`, () => JSON.stringify(key));
      return equalStrings(hex(md5(joinBytes(signed))), auth);
    }),
  );
  requireSignature("Unisender Go", /^[0-9a-f]{32}$/.test(auth) && matches.includes(true));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
