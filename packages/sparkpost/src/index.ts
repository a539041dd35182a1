import { SparkpostBackend, type SparkpostOptions } from "./backend.js";

export { SparkpostBackend, type SparkpostOptions } from "./backend.js";
export { type SparkpostFeatures, sparkpostFeatures } from "./features.js";

/**
 * Sends through Sparkpost.
 *
 * @param options `apiKey`, or `SPARKPOST_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function sparkpost(options: SparkpostOptions = {}): SparkpostBackend {
  return new SparkpostBackend(options);
}
