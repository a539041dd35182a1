import type { EventMeanings, RejectReason } from "@posthorn/core/webhooks";

/** By `event`. https://mailchimp.com/developer/transactional/docs/webhooks/ */
export const EVENTS: EventMeanings = {
  send: ["sent"],
  deferral: ["deferred"],
  hard_bounce: ["bounced", "bounced", true],
  soft_bounce: ["bounced", "bounced", false],
  delivered: ["delivered"],
  open: ["opened"],
  click: ["clicked"],
  spam: ["complained", "spam"],
  unsub: ["unsubscribed", "unsubscribed"],
  reject: ["rejected", "other"],
};

/**
 * By `msg.reject.reason`. The ten are those of `reject_reason` in the response to a send.
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/send-new-message/
 */
export const REJECTS: Readonly<Record<string, RejectReason>> = {
  "hard-bounce": "bounced",
  "soft-bounce": "bounced",
  spam: "spam",
  unsub: "unsubscribed",
  custom: "blocked",
  rule: "blocked",
  invalid: "invalid",
  "invalid-sender": "invalid",
  unsigned: "other",
  "test-mode-limit": "other",
};
