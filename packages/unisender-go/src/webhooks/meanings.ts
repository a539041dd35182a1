import type { EventMeanings } from "@posthorn/core/webhooks";

/** By `status`. https://godocs.unisender.ru/web-api-ref#callback-format */
export const STATUSES: EventMeanings = {
  accepted: ["queued"],
  sent: ["sent"],
  delivered: ["delivered"],
  opened: ["opened"],
  clicked: ["clicked"],
  hard_bounced: ["bounced", "bounced"],
  soft_bounced: ["deferred"],
  spam: ["complained", "spam"],
  unsubscribed: ["unsubscribed", "unsubscribed"],
  subscribed: ["subscribed"],
};

/**
 * By `delivery_info.delivery_status` of `hard_bounced`; of `soft_bounced` it tells the reason alone. What is skipped was never
 * handed to the receiving server.
 *
 * @see https://godocs.unisender.ru/email-statuses
 */
export const OUTCOMES: EventMeanings = {
  err_user_unknown: ["bounced", "bounced", true],
  err_user_inactive: ["bounced", "bounced", true],
  err_mailbox_discarded: ["bounced", "bounced", true],
  err_mailbox_full: ["bounced", "bounced", false],
  err_no_dns: ["bounced", "bounced", true],
  err_no_smtp: ["bounced", "bounced", true],
  err_dest_invalid: ["bounced", "invalid", true],
  err_unreachable: ["bounced", "bounced", null],
  err_too_large: ["bounced", "bounced", false],
  err_domain_inactive: ["bounced", "bounced", true],
  err_destination_misconfigured: ["bounced", "bounced", null],
  err_spam_rejected: ["bounced", "spam", false],
  err_spam_folder: ["bounced", "spam", false],
  err_spam_removed: ["bounced", "spam", false],
  err_spam_skipped: ["rejected", "spam"],
  err_blacklisted: ["bounced", "blocked", null],
  err_unsubscribed: ["rejected", "unsubscribed"],
  err_skip_letter: ["rejected", "bounced"],
  skip_dup_unreachable: ["rejected", "bounced"],
  skip_dup_temp_unreachable: ["rejected", "bounced"],
  skip_dup_mailbox_full: ["rejected", "bounced"],
  err_giveup: ["bounced", "timed_out", false],
  err_delivery_failed: ["bounced", "other", null],
  err_lost: ["bounced", "other", null],
  // These three are tried again.
  err_will_retry: ["deferred"],
  err_retry_letter: ["deferred"],
  err_resend: ["deferred"],
};
