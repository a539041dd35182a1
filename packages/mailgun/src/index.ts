import { MailgunBackend, type MailgunOptions } from "./backend.js";

export { MailgunBackend, type MailgunOptions } from "./backend.js";
export { type MailgunFeatures, type MailgunMessage, mailgunFeatures } from "./features.js";

/**
 * Sends through Mailgun.
 *
 * @param options `apiKey`, or `MAILGUN_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function mailgun(options: MailgunOptions = {}): MailgunBackend {
  return new MailgunBackend(options);
}
