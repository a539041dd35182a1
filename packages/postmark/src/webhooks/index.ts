/** Webhooks of Postmark: `@posthorn/postmark/webhooks`. */
export { inboundWebhook, type PostmarkInboundOptions } from "./inbound.js";
export { type PostmarkTrackingOptions, trackingWebhook } from "./tracking.js";
