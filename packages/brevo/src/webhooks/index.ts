/** Webhooks of Brevo: `@posthorn/brevo/webhooks`. */
export { type BrevoInboundOptions, inboundWebhook } from "./inbound.js";
export { type BrevoTrackingOptions, trackingWebhook } from "./tracking.js";
