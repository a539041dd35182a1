/** What provider packages make their webhooks of: `@posthorn/core/webhooks`. */

export { fetchBytes, urlPath } from "../bytes/fetch-bytes.js";
export { readEnv } from "../env.js";
export { ConfigurationError, PosthornError, WebhookRequestError, WebhookSignatureError } from "../errors.js";
export { isRecord, type JsonRecord } from "../message/json.js";
export { ownProperty } from "../message/text.js";
export { basicCredentials, checkBasicAuth } from "./basic-auth.js";
export {
  type BouncedEvent,
  type EventMeaning,
  type EventMeanings,
  meaningFields,
  misdirected,
  type OtherTrackingEvent,
  type RejectReason,
  readEach,
  type TrackingDetails,
  type TrackingEvent,
  type TrackingEventType,
  type TrackingFields,
  trackingEvent,
} from "./event.js";
export { type WebhookHandler, type WebhookSpec, webhookHandler } from "./handler.js";
export {
  type PublicKey,
  type PublicKeyKind,
  publicKeys,
  verifyByPublicKey,
  webhookSecrets,
} from "./keys.js";
export { type FormField, parseMultipartBody } from "./multipart.js";
export {
  type OnWebhookError,
  resolveWebhookOptions,
  type Secrets,
  type SecretsForm,
  secretList,
  type WebhookOptionForms,
  type WebhookOptions,
} from "./options.js";
export { type PostLimits, WebhookForm, WebhookPost } from "./post.js";
export {
  inboundHandler,
  type ProviderWebhook,
  trackingHandler,
  type VerifyPost,
} from "./provider-handler.js";
export {
  bytesOfBase64,
  bytesOfHex,
  checkAge,
  equalStrings,
  type HashName,
  importPublicKey,
  joinBytes,
  requireSignature,
  requireToken,
  verifyHmac,
} from "./signature.js";
export {
  type Claim,
  type EventStore,
  eventKey,
  type MemoryEventStoreOptions,
  memoryEventStore,
} from "./store.js";
export { trackingIdOf } from "./tracking-id.js";
export {
  bareAddress,
  dateOf,
  dateOfSeconds,
  idOf,
  jsonOf,
  listOf,
  numberOf,
  parseJson,
  recordOf,
  stringOf,
  stringsOf,
} from "./values.js";
