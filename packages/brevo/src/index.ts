import { BrevoBackend, type BrevoOptions } from "./backend.js";

export { BrevoBackend, type BrevoOptions } from "./backend.js";
export { type BrevoFeatures, type BrevoMessage, brevoFeatures } from "./features.js";

/**
 * Sends through Brevo.
 *
 * @param options `apiKey`, or `BREVO_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function brevo(options: BrevoOptions = {}): BrevoBackend {
  return new BrevoBackend(options);
}
