/** Webhooks of MailerSend: `@posthorn/mailersend/webhooks`. */
export { inboundWebhook, type MailerSendInboundOptions } from "./inbound.js";
export { type MailerSendTrackingOptions, trackingWebhook } from "./tracking.js";
