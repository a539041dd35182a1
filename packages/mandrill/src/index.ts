import { MandrillBackend, type MandrillOptions } from "./backend.js";

export { MandrillBackend, type MandrillOptions } from "./backend.js";
export { type MandrillFeatures, type MandrillMessage, mandrillFeatures } from "./features.js";

/**
 * Sends through Mandrill (Mailchimp Transactional).
 *
 * @param options `apiKey`, or `MANDRILL_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function mandrill(options: MandrillOptions = {}): MandrillBackend {
  return new MandrillBackend(options);
}
