import { MailerSendBackend, type MailerSendOptions } from "./backend.js";

export { MailerSendBackend, type MailerSendOptions } from "./backend.js";
export { type MailerSendFeatures, type MailerSendMessage, mailersendFeatures } from "./features.js";

/**
 * Sends through MailerSend.
 *
 * @param options `apiKey`, or `MAILERSEND_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function mailersend(options: MailerSendOptions = {}): MailerSendBackend {
  return new MailerSendBackend(options);
}
