import { MailtrapBackend, type MailtrapOptions } from "./backend.js";

export { MailtrapBackend, type MailtrapOptions } from "./backend.js";
export { type MailtrapFeatures, type MailtrapMessage, mailtrapFeatures } from "./features.js";

/**
 * Sends through Mailtrap.
 *
 * @param options `apiKey`, or `MAILTRAP_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function mailtrap(options: MailtrapOptions = {}): MailtrapBackend {
  return new MailtrapBackend(options);
}
