import { SendGridBackend, type SendGridOptions } from "./backend.js";

export { SendGridBackend, type SendGridOptions } from "./backend.js";
export { type SendGridFeatures, type SendGridMessage, sendgridFeatures } from "./features.js";

/**
 * Sends through SendGrid.
 *
 * @param options `apiKey`, or `SENDGRID_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function sendgrid(options: SendGridOptions = {}): SendGridBackend {
  return new SendGridBackend(options);
}
