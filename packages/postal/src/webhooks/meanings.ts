import type { EventMeanings } from "@posthorn/core/webhooks";

/** By `event`. https://docs.postalserver.io/developer/webhooks */
export const EVENTS: EventMeanings = {
  MessageSent: ["delivered"],
  MessageDelayed: ["deferred"],
  MessageDeliveryFailed: ["failed"],
  MessageHeld: ["queued"],
  MessageBounced: ["bounced", "bounced"],
  MessageLinkClicked: ["clicked"],
  MessageLoaded: ["opened"],
};

/**
 * By `payload.status`, which tells more than the event's name. A `HardFail` whose `payload.output` is a response with a 5xx is a
 * refusal of the receiving server; another is Postal's own. `Held` for the suppression list is told in `payload.details` alone.
 *
 * @see https://github.com/postalserver/postal/blob/3.3.6/app/senders/smtp_sender.rb
 * @see https://github.com/postalserver/postal/blob/3.3.6/app/lib/message_dequeuer/outgoing_message_processor.rb
 */
export const STATUSES: EventMeanings = {
  Sent: ["delivered"],
  SoftFail: ["deferred"],
  HardFail: ["failed"],
  "HardFail, output 5xx": ["bounced", "bounced", true],
  Held: ["queued"],
  "Held, on the suppression list": ["rejected", "blocked"],
};
