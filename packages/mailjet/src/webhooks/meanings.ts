import type { EventMeanings, RejectReason } from "@posthorn/core/webhooks";

/** By `event`. Whether a bounce is for good is in `hard_bounce`. https://dev.mailjet.com/email/guides/webhooks/ */
export const EVENTS: EventMeanings = {
  // Mailjet's word for what the receiving server took.
  sent: ["delivered"],
  open: ["opened"],
  click: ["clicked"],
  bounce: ["bounced", "bounced"],
  blocked: ["rejected", "blocked"],
  spam: ["complained", "spam"],
  unsub: ["unsubscribed", "unsubscribed"],
};

/** By `error`. https://dev.mailjet.com/email/guides/webhooks/#possible-values-for-errors */
export const ERRORS: Readonly<Record<string, RejectReason>> = {
  "user unknown": "bounced",
  "mailbox inactive": "bounced",
  "quota exceeded": "bounced",
  "invalid domain": "bounced",
  "no mail host": "bounced",
  typofix: "invalid",
  blacklisted: "blocked",
  preblocked: "blocked",
  "sender blocked": "blocked",
  "content blocked": "blocked",
  "policy issue": "blocked",
  "relay/access denied": "bounced",
  "spam reporter": "spam",
  greylisted: "other",
  "bad or empty template": "other",
  "error in template language": "other",
  "system issue": "other",
  "protocol issue": "other",
  "connection issue": "other",
  "duplicate in campaign": "other",
};
