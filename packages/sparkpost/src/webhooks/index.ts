/** Webhooks of SparkPost: `@posthorn/sparkpost/webhooks`. */
export { inboundWebhook, type SparkPostInboundOptions } from "./inbound.js";
export { type SparkPostTrackingOptions, trackingWebhook } from "./tracking.js";
