import type { EventMeanings } from "@posthorn/core/webhooks";

/** By `data.type`, that of `activity.*` without its beginning. https://developers.mailersend.com/api/v1/webhooks.html#available-events */
export const ACTIVITIES: EventMeanings = {
  sent: ["sent"],
  delivered: ["delivered"],
  soft_bounced: ["bounced", "bounced", false],
  hard_bounced: ["bounced", "bounced", true],
  deferred: ["deferred"],
  opened: ["opened"],
  opened_unique: ["opened"],
  clicked: ["clicked"],
  clicked_unique: ["clicked"],
  unsubscribed: ["unsubscribed", "unsubscribed"],
  spam_complaint: ["complained", "spam"],
  spam_complaints: ["complained", "spam"],
  suppressed: ["rejected", "blocked"],
};
