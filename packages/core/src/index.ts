export type { ErrorBody } from "./backend/api-error.js";
export type {
  Backend,
  DryRunRequest,
  SendManyOptions,
  SendOptions,
  SendOutcome,
} from "./backend/backend.js";
export { type EncodedBody, encodeJson, type JsonBody, type RequestBody } from "./backend/body.js";
export {
  HttpBackend,
  type ProviderAnswer,
  type ProviderInfo,
  type ProviderRequest,
} from "./backend/http-backend.js";
export { encodeMultipart, type FormPart, type MultipartBody } from "./backend/multipart.js";
export {
  type BackendOptions,
  type HookContext,
  type OptionSpec,
  type OptionSpecs,
  type PostSend,
  type PreSend,
  readEnv,
  resolveOptions,
  type UnsupportedMode,
} from "./backend/options.js";
export {
  asText,
  chunk,
  compact,
  deepMerge,
  forRecipient,
  type HeaderSubstitutions,
  headerRecord,
  headerSubstitutions,
  isRecord,
  type JsonRecord,
  nonEmpty,
  person,
  recipientGroups,
  textValues,
  uuidFrom,
  writtenAddresses,
} from "./backend/payload.js";
export { sendMany } from "./backend/send-many.js";
export { type ReportUnsupported, unsupportedReporter } from "./backend/unsupported.js";
export {
  ApiError,
  ConfigurationError,
  type Delivery,
  type ErrorDetails,
  InvalidAddressError,
  InvalidMessageError,
  PosthornError,
  RecipientsRefusedError,
  type RequestSummary,
  SerializationError,
  TransportError,
  type TransportPhase,
  UnsupportedFeatureError,
  WebhookSignatureError,
} from "./errors.js";
export {
  type Address,
  type AddressInput,
  encodeDomain,
  formatAddress,
  formatAddresses,
  isInternational,
  parseAddress,
  parseAddressText,
} from "./message/address.js";
export type { Attachment, AttachmentInput, ContentInput } from "./message/attachment.js";
export { decodeBase64, encodeBase64, encodeBase64Text } from "./message/base64.js";
export {
  type AttachmentContent,
  type ContentForm,
  type JsonText,
  LargeText,
} from "./message/content.js";
export { mergeDefaults } from "./message/defaults.js";
export { encodeWords } from "./message/encoded-word.js";
export type { FeatureField, Features, MessageFor, UnsupportedField } from "./message/features.js";
export { type JsonObject, type JsonValue, toJson } from "./message/json.js";
export {
  type Alternative,
  type HeaderValues,
  MESSAGE_FIELDS,
  type MergeValues,
  type Message,
  type MessageField,
} from "./message/message.js";
export { extensionOfType, typeOfName } from "./message/mime-types.js";
export { author, type HeaderList, type NormalizedMessage, normalizeMessage } from "./message/normalize.js";
export { type Piece, Pieces } from "./message/pieces.js";
export type { SendTime } from "./message/send-at.js";
export { serializeMessage } from "./message/serialize.js";
export { lookUp } from "./message/text.js";
export { utf8Base64 } from "./message/utf8.js";
export type { BreakerOptions } from "./pool/breaker.js";
export {
  failover,
  type PathStep,
  Pool,
  PoolError,
  type PoolOptions,
  type PoolResult,
  roundRobin,
  weighted,
} from "./pool/pool.js";
export {
  type MessageId,
  makeResult,
  type RecipientResult,
  type RecipientResults,
  type RecipientStatus,
  type SendResult,
} from "./result.js";
export { IDEMPOTENT, type RetrySetting, UNSENT_ONLY } from "./retry/defaults.js";
export {
  type Budget,
  type BudgetName,
  IDEMPOTENT_METHODS,
  type RetryDecision,
  type RetryEvent,
  type RetryHistoryEntry,
  type RetryOptions,
  RetryPolicy,
} from "./retry/policy.js";
export { parseRetryAfter } from "./retry/retry-after.js";
export type { AttemptRecord, FailureClass, StopReason } from "./session/attempt.js";
export { classifyFailure, type Failure } from "./session/classify.js";
export { type Clock, systemClock } from "./session/clock.js";
export type { AnsweredFetch, FailedFetch, FetchContext, FetchHook, FetchHooks } from "./session/hooks.js";
export type { RateLimit } from "./session/rate-limit.js";
export { Redactor } from "./session/redact.js";
export {
  type FetchLike,
  type OnRetry,
  Session,
  type SessionOptions,
  type SessionRequest,
  type SessionResponse,
} from "./session/session.js";
