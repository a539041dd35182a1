/** What the mailbox uses of the core, in one place. */
export {
  type Address,
  type Backend,
  type BackendOptions,
  ConfigurationError,
  type DryRunRequest,
  type Features,
  type HeaderValues,
  type Message,
  PosthornError,
  type RecipientResult,
  type RecipientResults,
  UnsupportedFeatureError,
} from "@posthorn/core";
export { inboundFromMime } from "@posthorn/core/inbound";
export { buildMime, encodedAddress, encodeMime } from "@posthorn/core/mime";
export {
  ALL_FEATURES,
  decodeBase64,
  encodeBase64,
  HttpBackend,
  type JsonString,
  type NormalizedMessage,
  normalizeMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  readEnv,
} from "@posthorn/core/provider";
