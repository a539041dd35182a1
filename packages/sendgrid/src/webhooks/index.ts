/** Webhooks of SendGrid: `@posthorn/sendgrid/webhooks`. */
export { inboundWebhook, type SendGridInboundOptions } from "./inbound.js";
export { type SendGridTrackingOptions, trackingWebhook } from "./tracking.js";
