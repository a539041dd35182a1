/** Webhooks of providers that notify through SNS, Amazon's or one like it: `@posthorn/core/sns`. */

export type { Certificate } from "./certificate.js";
export { readNotification, type SnsEnvelope } from "./envelope.js";
export type { SnsService } from "./service.js";
export type { SnsSignatureOptions } from "./signature.js";
export { type SnsOptions, type SnsWebhookSpec, snsWebhook } from "./subscription.js";
