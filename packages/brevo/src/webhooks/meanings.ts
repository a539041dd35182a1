import type { EventMeanings } from "@posthorn/core/webhooks";

/** By `event`. https://developers.brevo.com/docs/transactional-webhooks */
export const EVENTS: EventMeanings = {
  request: ["queued"],
  sent: ["sent"],
  delivered: ["delivered"],
  hard_bounce: ["bounced", "bounced", true],
  soft_bounce: ["bounced", "bounced", false],
  invalid_email: ["bounced", "invalid", true],
  // Brevo did not send it: the address or the sender is on a list of blocked ones.
  blocked: ["rejected", "blocked"],
  deferred: ["deferred"],
  error: ["failed"],
  spam: ["complained", "spam"],
  complaint: ["complained", "spam"],
  opened: ["opened"],
  unique_opened: ["opened"],
  proxy_open: ["opened"],
  unique_proxy_open: ["opened"],
  click: ["clicked"],
  unsubscribed: ["unsubscribed", "unsubscribed"],
  unsubscribe: ["unsubscribed", "unsubscribed"],
  list_addition: ["subscribed"],
};
