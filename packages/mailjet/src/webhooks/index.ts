/** Webhooks of Mailjet: `@posthorn/mailjet/webhooks`. */
export { inboundWebhook, type MailjetInboundOptions } from "./inbound.js";
export { type MailjetTrackingOptions, trackingWebhook } from "./tracking.js";
