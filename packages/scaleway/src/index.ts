import { ScalewayBackend, type ScalewayOptions } from "./backend.js";

export { ScalewayBackend, type ScalewayOptions } from "./backend.js";
export { type ScalewayFeatures, type ScalewayMessage, scalewayFeatures } from "./features.js";

/**
 * Sends through Scaleway.
 *
 * @param options `secretKey` and `projectId`, or `SCALEWAY_SECRET_KEY` and `SCALEWAY_PROJECT_ID` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function scaleway(options: ScalewayOptions = {}): ScalewayBackend {
  return new ScalewayBackend(options);
}
