/** Webhooks of Scaleway: `@posthorn/scaleway/webhooks`. */
export type { SnsOptions, SnsSignatureOptions } from "@posthorn/core/sns";
export { type ScalewayTrackingOptions, trackingWebhook } from "./tracking.js";
