/** Webhooks of Mandrill: `@posthorn/mandrill/webhooks`. */
export { inboundWebhook, type MandrillInboundOptions } from "./inbound.js";
export { type MandrillTrackingOptions, trackingWebhook } from "./tracking.js";
