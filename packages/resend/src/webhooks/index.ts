/** Webhooks of Resend: `@posthorn/resend/webhooks`. */
export { inboundWebhook, type ResendInboundOptions } from "./inbound.js";
export { type ResendTrackingOptions, trackingWebhook } from "./tracking.js";
