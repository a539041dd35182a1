import { createHmac } from "node:crypto";
import type { SamplePost, WebhookKey } from "./subject.js";

/**
 * Keys of a provider that signs by an HMAC in a header.
 *
 * @param header of the post
 */
export function hmacKeys(
  header: string,
  encoding: "hex" | "base64",
): readonly [WebhookKey, WebhookKey, WebhookKey] {
  const key = (option: string): WebhookKey => ({
    option,
    sign: (post: SamplePost) => ({
      ...post,
      headers: { ...post.headers, [header]: createHmac("sha256", option).update(post.body).digest(encoding) },
    }),
  });
  return [key("made-up-one"), key("made-up-two"), key("made-up-stranger")];
}
