import { UnisenderGoBackend, type UnisenderGoOptions } from "./backend.js";

export { UnisenderGoBackend, type UnisenderGoOptions } from "./backend.js";
export { type UnisenderGoFeatures, type UnisenderGoMessage, unisenderGoFeatures } from "./features.js";

/**
 * Sends through Unisender Go.
 *
 * @param options `apiKey`, or `UNISENDER_GO_API_KEY` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function unisenderGo(options: UnisenderGoOptions = {}): UnisenderGoBackend {
  return new UnisenderGoBackend(options);
}
