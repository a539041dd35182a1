import type { EventMeanings } from "@posthorn/core/webhooks";

/** By `type`. https://developers.sparkpost.com/api/webhooks/#header-webhook-event-types */
export const EVENTS: EventMeanings = {
  injection: ["queued"],
  delivery: ["delivered"],
  bounce: ["bounced", "other"],
  out_of_band: ["bounced", "other"],
  delay: ["deferred"],
  policy_rejection: ["rejected", "blocked"],
  generation_rejection: ["rejected", "other"],
  generation_failure: ["failed"],
  spam_complaint: ["complained", "spam"],
  open: ["opened"],
  amp_open: ["opened"],
  click: ["clicked"],
  amp_click: ["clicked"],
  list_unsubscribe: ["unsubscribed", "unsubscribed"],
  link_unsubscribe: ["unsubscribed", "unsubscribed"],
};

/**
 * By `bounce_class` of `bounce` and `out_of_band`; of a delay or rejection it tells the reason alone. Hard classes are for good,
 * soft and block ones for this time. An admin failure (25) is SparkPost's own: nothing was handed to the receiving server.
 *
 * @see https://support.sparkpost.com/docs/deliverability/bounce-classification-codes
 */
export const BOUNCE_CLASSES: EventMeanings = {
  "1": ["bounced", "other", null],
  "10": ["bounced", "invalid", true],
  "20": ["bounced", "bounced", false],
  "21": ["bounced", "bounced", false],
  "22": ["bounced", "bounced", false],
  "23": ["bounced", "bounced", false],
  "24": ["bounced", "timed_out", false],
  "25": ["rejected", "blocked"],
  "30": ["bounced", "bounced", true],
  "40": ["bounced", "bounced", false],
  "50": ["bounced", "blocked", false],
  "51": ["bounced", "spam", false],
  "52": ["bounced", "spam", false],
  "53": ["bounced", "other", false],
  "54": ["bounced", "blocked", false],
  "60": ["autoresponded", "other"],
  "70": ["bounced", "bounced", false],
  "80": ["subscribed", "other"],
  "90": ["unsubscribed", "unsubscribed"],
  "100": ["autoresponded", "other"],
};
