/** Webhooks of Mailtrap: `@posthorn/mailtrap/webhooks`. */
export { inboundWebhook, type MailtrapInboundOptions } from "./inbound.js";
export { type MailtrapTrackingOptions, trackingWebhook } from "./tracking.js";
