import { ResendBackend, type ResendOptions } from "./backend.js";

export { ResendBackend, type ResendOptions } from "./backend.js";
export { type ResendFeatures, type ResendMessage, resendFeatures } from "./features.js";

/**
 * Sends through Resend.
 *
 * @param options `apiKey`, or `RESEND_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function resend(options: ResendOptions = {}): ResendBackend {
  return new ResendBackend(options);
}
