import { AmazonSesBackend, type AmazonSesOptions } from "./backend.js";

export { AmazonSesBackend, type AmazonSesOptions } from "./backend.js";
export { type AmazonSesFeatures, type AmazonSesMessage, amazonSesFeatures } from "./features.js";
export type { AwsCredentials } from "./sigv4.js";

/**
 * Sends through Amazon SES, API version 2.
 *
 * @param options credentials and region; without them `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
 *   `AWS_SESSION_TOKEN` and `AWS_REGION` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function amazonSes(options: AmazonSesOptions = {}): AmazonSesBackend {
  return new AmazonSesBackend(options);
}
