/** Webhooks of Mailtrap: `@posthorn/mailtrap/webhooks`. */
export { type MailtrapTrackingOptions, trackingWebhook } from "./tracking.js";
