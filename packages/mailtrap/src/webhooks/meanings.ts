import type { EventMeanings } from "@posthorn/core/webhooks";

/** By `event`, with spaces for underscores. https://docs.mailtrap.io/email-api-smtp/advanced/webhooks */
export const EVENTS: EventMeanings = {
  delivery: ["delivered"],
  open: ["opened"],
  click: ["clicked"],
  bounce: ["bounced", "bounced", true],
  "soft bounce": ["deferred", "other"],
  suspension: ["deferred", "other"],
  reject: ["rejected", "blocked"],
  spam: ["complained", "spam"],
  "spam complaint": ["complained", "spam"],
  unsubscribe: ["unsubscribed", "unsubscribed"],
};

/** By `bounce_category` of a bounce: the message was refused, not the address. */
export const CATEGORIES: EventMeanings = { spam: ["bounced", "spam", false] };
