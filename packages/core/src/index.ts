/**
 * What an application uses: messages, results, errors, retries, pools. Packages of providers also use
 * `@posthorn/core/provider`.
 *
 * @module
 */
export type { AttemptRecord, FailureClass, StopReason } from "./attempt.js";
export type {
  Backend,
  DryRunOptions,
  DryRunRequest,
  SendManyOptions,
  SendOptions,
  SendOutcome,
} from "./backend/backend.js";
export type {
  BackendOptions,
  HookContext,
  PostSend,
  PreSend,
  UnsupportedMode,
} from "./backend/options.js";
export type { Clock } from "./clock.js";
export {
  ApiError,
  ConfigurationError,
  type Delivery,
  type ErrorDetails,
  InvalidAddressError,
  InvalidMessageError,
  PosthornError,
  type PosthornErrorCode,
  type RequestSummary,
  SerializationError,
  TransportError,
  type TransportPhase,
  UnsupportedFeatureError,
  WebhookSignatureError,
} from "./errors.js";
export { type Address, type AddressInput, formatAddress, parseAddress } from "./message/address.js";
export type { Attachment, AttachmentInput } from "./message/attachment.js";
export type { ContentInput } from "./message/content.js";
export type {
  BackendMessage,
  CommonFeatures,
  Feature,
  FeatureField,
  Features,
  MessageFor,
  NotSupportedBy,
  Once,
  Supports,
  UnsupportedField,
} from "./message/features.js";
export { listUnsubscribe, priority } from "./message/header-helpers.js";
export type { JsonObject, JsonValue } from "./message/json.js";
export type {
  Alternative,
  BodyInput,
  HeaderValues,
  MergeValues,
  Message,
  MessageField,
  OneOrMany,
} from "./message/message.js";
export { recipientsOf, remainder, withoutRecipients } from "./message/recipients.js";
export { attachMessage, detachMessage, type PutContent, serializeMessage } from "./message/serialize.js";
export { type Fault, type Outcome, outcomeOf } from "./pool/outcome.js";
export {
  failover,
  Pool,
  type PoolAttempt,
  PoolError,
  type PoolOptions,
  type PoolResult,
  roundRobin,
  weighted,
} from "./pool/pool.js";
export {
  type MessageId,
  type RecipientReason,
  type RecipientResult,
  type RecipientResults,
  type RecipientStatus,
  RecipientsRefusedError,
  type SendResult,
} from "./result.js";
export type { RetryBudgetOptions } from "./retry/budget.js";
export { RETRY_IDEMPOTENT, RETRY_UNSENT, type RetrySetting } from "./retry/defaults.js";
export type { Budget, BudgetName, RetryHistoryEntry, RetryOptions } from "./retry/options.js";
export { type RetryDecision, type RetryEvent, RetryPolicy } from "./retry/policy.js";
export { type BreakerOptions, CircuitBreaker } from "./session/breaker.js";
export { type ConfiguredFetch, fetchWith } from "./session/fetch-with.js";
export type { AnsweredFetch, FailedFetch, FetchContext, FetchHook, FetchHooks } from "./session/hooks.js";
export type { Breaker, FetchLike, OnRetry, SessionOptions } from "./session/options.js";
export type { RateLimit } from "./session/rate-limit.js";
export type { ReceivedResponse, SessionRequest, SessionResponse, Verdict } from "./session/request.js";
export { Session } from "./session/session.js";
