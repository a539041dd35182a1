import { PostalBackend, type PostalOptions } from "./backend.js";

export { PostalBackend, type PostalOptions } from "./backend.js";
export { type PostalFeatures, type PostalMessage, postalFeatures } from "./features.js";

/**
 * Sends through Postal.
 *
 * @param options `apiKey`, or `POSTAL_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function postal(options: PostalOptions = {}): PostalBackend {
  return new PostalBackend(options);
}
