import type { EventMeanings, RejectReason } from "@posthorn/core/webhooks";

/** By `event`. https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event */
export const EVENTS: EventMeanings = {
  processed: ["queued"],
  deferred: ["deferred"],
  delivered: ["delivered"],
  bounce: ["bounced", "bounced"],
  dropped: ["rejected", "other"],
  open: ["opened"],
  click: ["clicked"],
  spamreport: ["complained", "spam"],
  unsubscribe: ["unsubscribed", "unsubscribed"],
  group_unsubscribe: ["unsubscribed", "unsubscribed"],
  group_resubscribe: ["subscribed"],
};

/**
 * By `type` of a bounce. SendGrid suppresses the address after a `bounce` alone.
 *
 * @see https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#bounce
 */
export const BOUNCES: EventMeanings = {
  bounce: ["bounced", "bounced", true],
  blocked: ["bounced", "blocked", false],
  expired: ["bounced", "timed_out", false],
};

/**
 * By `bounce_classification` of a bounce: the reason, where `type` says no more than `bounce`.
 *
 * @see https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#bounce-classification
 */
export const CLASSIFICATIONS: Readonly<Record<string, RejectReason>> = {
  "invalid address": "invalid",
  "mailbox unavailable": "bounced",
  technical: "other",
  "technical failure": "other",
  content: "spam",
  reputation: "blocked",
  "frequency or volume too high": "blocked",
};

/** By `reason` of `dropped`. https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#dropped */
export const DROPS: Readonly<Record<string, RejectReason>> = {
  invalid: "invalid",
  "unsubscribed address": "unsubscribed",
  bounce: "bounced",
  "bounced address": "bounced",
  "spam reporting address": "spam",
  "spam content": "spam",
  "spam content (if spam checker app enabled)": "spam",
  "recipient list over package quota": "blocked",
  blocked: "blocked",
  expired: "timed_out",
};
