import { MailersendBackend, type MailersendOptions } from "./backend.js";

export { MailersendBackend, type MailersendOptions } from "./backend.js";
export { type MailersendFeatures, mailersendFeatures } from "./features.js";

/**
 * Sends through Mailersend.
 *
 * @param options `apiKey`, or `MAILERSEND_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function mailersend(options: MailersendOptions = {}): MailersendBackend {
  return new MailersendBackend(options);
}
