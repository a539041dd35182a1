/** Webhooks of Amazon SES: `@posthorn/amazon-ses/webhooks`. */
export { type AmazonSesInboundOptions, inboundWebhook } from "./inbound.js";
export type { S3Options } from "./s3.js";
export type { SnsSignatureOptions } from "./signature.js";
export type { SnsOptions } from "./subscription.js";
export { type AmazonSesTrackingOptions, trackingWebhook } from "./tracking.js";
