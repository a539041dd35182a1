/**
 * What the author of a provider uses beside `@posthorn/core`: the base of all providers with an HTTP API, and the parts that
 * payloads and responses are made of.
 *
 * @module
 */
export type { ProviderErrorInfo } from "./backend/api-error.js";
export { type EncodedBody, encodeJson, type FormPart, type RequestBody } from "./backend/body.js";
export { mostUncertain } from "./backend/delivery.js";
export { HttpBackend } from "./backend/http-backend.js";
export { abortError, MailBackend } from "./backend/mail-backend.js";
export { encodeMultipart } from "./backend/multipart.js";
export { type OptionSpec, type OptionSpecs, requireOptions, resolveOptions } from "./backend/options.js";
export {
  allRecipients,
  asString,
  chunk,
  chunkBySize,
  compact,
  deepMerge,
  forRecipient,
  type HeaderSubstitutions,
  headerRecord,
  headerSafeKey,
  headerSubstitutions,
  jsonSize,
  nonEmpty,
  recipientGroups,
  reportTypeParameters,
  stringValues,
  toEmailAndName,
  uuidFrom,
  writtenAddresses,
} from "./backend/payload.js";
export type { MailBackendInfo, ProviderInfo, ProviderRequest, ProviderResponse } from "./backend/provider.js";
export { sendMany } from "./backend/send-many.js";
export { dropUnsupported, type ReportUnsupported, unsupportedReporter } from "./backend/unsupported.js";
export { decodeBase64, encodeBase64, encodeBase64String } from "./bytes/base64.js";
export { type ByteChunk, ByteChunks, isByteChunks, tagOf } from "./bytes/chunks.js";
export { encodeWords } from "./bytes/encoded-word.js";
export { extensionOfType, typeOfName } from "./bytes/mime-types.js";
export { readPieces } from "./bytes/pieces.js";
export { onAbort, sleep, systemClock, within } from "./clock.js";
export { readEnv } from "./env.js";
export { hookError, reasonOf } from "./errors.js";
export {
  encodeDomain,
  formatAddresses,
  isInternational,
  parseAddressList,
} from "./message/address.js";
export { typeParameters, utf8Base64 } from "./message/attachment.js";
export {
  type AttachmentContent,
  type AttachmentEncoding,
  isLargeString,
  type JsonString,
  LargeString,
} from "./message/content.js";
export { mergeDefaults } from "./message/defaults.js";
export { ALL_FEATURES, type DefinedFeatures, defineFeatures } from "./message/features.js";
export { isRecord, type JsonBody, type JsonRecord, toJson } from "./message/json.js";
export { MESSAGE_FIELDS } from "./message/message.js";
export {
  type HeaderList,
  type NormalizedMessage,
  normalizeMessage,
  requireFrom,
} from "./message/normalize.js";
export type { SendTime } from "./message/send-at.js";
export { ownProperty } from "./message/text.js";
export { cancelledResult, makeResult } from "./result.js";
export { resolveRetry } from "./retry/defaults.js";
export { IDEMPOTENT_METHODS } from "./retry/policy.js";
export { parseRetryAfter } from "./retry/retry-after.js";
export { classifyFailure, type Failure } from "./session/classify.js";
export { checkSendOptions } from "./session/options.js";
export { RateLimiter } from "./session/rate-limit.js";
export { Redactor } from "./session/redact.js";
