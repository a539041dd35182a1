import type { EventMeanings } from "@posthorn/core/webhooks";

/** By `type`. https://resend.com/docs/webhooks/event-types */
export const EVENTS: EventMeanings = {
  "email.scheduled": ["queued"],
  "email.sent": ["sent"],
  "email.delivered": ["delivered"],
  "email.delivery_delayed": ["deferred"],
  "email.bounced": ["bounced", "bounced"],
  "email.failed": ["failed"],
  "email.suppressed": ["rejected", "blocked"],
  "email.complained": ["complained", "spam"],
  "email.opened": ["opened"],
  "email.clicked": ["clicked"],
};

/**
 * By `data.bounce.type`, and `type/subType`. Resend does not send to addresses on its suppression list.
 *
 * @see https://resend.com/docs/dashboard/emails/email-bounces
 */
export const BOUNCES: EventMeanings = {
  Permanent: ["bounced", "bounced", true],
  "Permanent/General": ["bounced", "bounced", true],
  "Permanent/NoEmail": ["bounced", "bounced", true],
  "Permanent/Suppressed": ["rejected", "blocked"],
  "Permanent/OnAccountSuppressionList": ["rejected", "blocked"],
  Transient: ["bounced", "bounced", false],
  "Transient/General": ["bounced", "bounced", false],
  "Transient/MailboxFull": ["bounced", "bounced", false],
  "Transient/MessageTooLarge": ["bounced", "other", false],
  "Transient/ContentRejected": ["bounced", "spam", false],
  "Transient/AttachmentRejected": ["bounced", "other", false],
  Undetermined: ["bounced", "bounced", null],
};

/** By `data.suppressed.reason`. https://github.com/resend/resend-openapi */
export const SUPPRESSIONS: EventMeanings = {
  previous_bounce: ["rejected", "bounced"],
  previous_complaint: ["rejected", "spam"],
};
