import type { EventMeanings, RejectReason } from "@posthorn/core/webhooks";

/** By `event`. https://documentation.mailgun.com/docs/mailgun/user-manual/events/events */
export const EVENTS: EventMeanings = {
  accepted: ["queued"],
  rejected: ["rejected", "other"],
  delivered: ["delivered"],
  opened: ["opened"],
  clicked: ["clicked"],
  unsubscribed: ["unsubscribed", "unsubscribed"],
  complained: ["complained", "spam"],
};

/**
 * By `reason` of `failed` with `severity: "permanent"`. Mailgun does not send to addresses on its suppression lists.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/events/events
 */
export const FAILURES: EventMeanings = {
  bounce: ["bounced", "bounced", true],
  hardfail: ["bounced", "bounced", true],
  "delayed-bounce": ["bounced", "bounced", true],
  espblock: ["bounced", "blocked", false],
  old: ["bounced", "timed_out", false],
  generic: ["bounced", "other"],
  "suppress-bounce": ["rejected", "bounced"],
  "suppress-complaint": ["rejected", "spam"],
  "suppress-unsubscribe": ["rejected", "unsubscribed"],
};

/** By `event` of the legacy webhooks, which post forms. */
export const LEGACY_EVENTS: EventMeanings = {
  delivered: ["delivered"],
  dropped: ["rejected", "other"],
  bounced: ["bounced", "bounced"],
  complained: ["complained", "spam"],
  unsubscribed: ["unsubscribed", "unsubscribed"],
  opened: ["opened"],
  clicked: ["clicked"],
};

/** By `code` of the legacy webhooks: Mailgun's own beside those of SMTP. */
export const LEGACY_CODES: Readonly<Record<string, RejectReason>> = {
  "499": "timed_out",
  "605": "bounced",
  "606": "unsubscribed",
  "607": "spam",
};
