/** Webhooks of Amazon SES: `@posthorn/amazon-ses/webhooks`. */

export type { SnsOptions, SnsSignatureOptions } from "@posthorn/core/sns";
export { type AmazonSesInboundOptions, inboundWebhook } from "./inbound.js";
export type { S3Options } from "./s3.js";
export { type AmazonSesTrackingOptions, trackingWebhook } from "./tracking.js";
