import { MailjetBackend, type MailjetOptions } from "./backend.js";

export { MailjetBackend, type MailjetOptions } from "./backend.js";
export { type MailjetFeatures, type MailjetMessage, mailjetFeatures } from "./features.js";

/**
 * Sends through Mailjet.
 *
 * @param options `apiKey`, or `MAILJET_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function mailjet(options: MailjetOptions = {}): MailjetBackend {
  return new MailjetBackend(options);
}
