import { ScalewayBackend, type ScalewayOptions } from "./backend.js";

export { ScalewayBackend, type ScalewayOptions } from "./backend.js";
export { type ScalewayFeatures, scalewayFeatures } from "./features.js";

/**
 * Sends through Scaleway.
 *
 * @param options `apiKey`, or `SCALEWAY_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function scaleway(options: ScalewayOptions = {}): ScalewayBackend {
  return new ScalewayBackend(options);
}
