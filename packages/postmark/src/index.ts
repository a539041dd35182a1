import { PostmarkBackend, type PostmarkOptions } from "./backend.js";

export { PostmarkBackend, type PostmarkOptions } from "./backend.js";
export { type PostmarkFeatures, type PostmarkMessage, postmarkFeatures } from "./features.js";

/**
 * Sends through Postmark.
 *
 * @param options `apiKey`, or `POSTMARK_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function postmark(options: PostmarkOptions = {}): PostmarkBackend {
  return new PostmarkBackend(options);
}
