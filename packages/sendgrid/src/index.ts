import { SendgridBackend, type SendgridOptions } from "./backend.js";

export { SendgridBackend, type SendgridOptions } from "./backend.js";
export { type SendgridFeatures, sendgridFeatures } from "./features.js";

/**
 * Sends through Sendgrid.
 *
 * @param options `apiKey`, or `SENDGRID_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function sendgrid(options: SendgridOptions = {}): SendgridBackend {
  return new SendgridBackend(options);
}
