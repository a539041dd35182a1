/** Webhooks of Mailgun: `@posthorn/mailgun/webhooks`. */
export { inboundWebhook, type MailgunInboundOptions } from "./inbound.js";
export { type MailgunTrackingOptions, trackingWebhook } from "./tracking.js";
