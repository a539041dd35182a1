import { SparkPostBackend, type SparkPostOptions } from "./backend.js";

export { SparkPostBackend, type SparkPostOptions } from "./backend.js";
export { type SparkPostFeatures, type SparkPostMessage, sparkpostFeatures } from "./features.js";

/**
 * Sends through SparkPost.
 *
 * @param options `apiKey`, or `SPARKPOST_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function sparkpost(options: SparkPostOptions = {}): SparkPostBackend {
  return new SparkPostBackend(options);
}
