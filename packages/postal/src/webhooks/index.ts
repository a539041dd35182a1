/** Webhooks of Postal: `@posthorn/postal/webhooks`. */
export { inboundWebhook, type PostalInboundOptions } from "./inbound.js";
export { type PostalTrackingOptions, trackingWebhook } from "./tracking.js";
