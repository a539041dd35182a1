/** Webhooks of Unisender Go: `@posthorn/unisender-go/webhooks`. */
export { trackingWebhook, type UnisenderGoTrackingOptions } from "./tracking.js";
