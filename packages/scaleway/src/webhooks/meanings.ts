import type { EventMeanings, RejectReason } from "@posthorn/core/webhooks";

/** By `type`. https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/ */
export const EVENTS: EventMeanings = {
  email_queued: ["queued"],
  email_delivered: ["delivered"],
  email_deferred: ["deferred"],
  // For good where `email_response_code` is 5xx, for this time where it is 4xx.
  email_dropped: ["bounced", "bounced"],
  email_mailbox_not_found: ["bounced", "bounced", true],
  email_blocklisted: ["rejected", "blocked"],
  // With an `email_response_code`; without one Scaleway itself did not send it.
  email_spam: ["bounced", "spam", false],
  "email_spam, no email_response_code": ["rejected", "spam"],
};

/** By `blocklist_type`: both kinds are for messages that bounced before. */
export const BLOCKLISTS: Readonly<Record<string, RejectReason>> = {
  mailbox_full: "bounced",
  mailbox_not_found: "bounced",
};
