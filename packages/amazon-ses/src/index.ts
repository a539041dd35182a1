import { AmazonSesBackend, type AmazonSesOptions } from "./backend.js";

export { AmazonSesBackend, type AmazonSesOptions } from "./backend.js";
export { type AmazonSesFeatures, amazonSesFeatures } from "./features.js";

/**
 * Sends through Amazon Ses.
 *
 * @param options `apiKey`, or `AMAZON_SES_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function amazonSes(options: AmazonSesOptions = {}): AmazonSesBackend {
  return new AmazonSesBackend(options);
}
