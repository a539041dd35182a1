import type { EventMeanings } from "@posthorn/core/webhooks";

/** By `eventType` or `notificationType`. https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html */
export const EVENTS: EventMeanings = {
  Send: ["sent"],
  Delivery: ["delivered"],
  DeliveryDelay: ["deferred", "other"],
  Bounce: ["bounced", "bounced"],
  Complaint: ["complained", "spam"],
  Reject: ["rejected", "blocked"],
  Open: ["opened"],
  Click: ["clicked"],
  "Rendering Failure": ["failed"],
};

/**
 * By `bounceType`, and `bounceType/bounceSubType` where that says something else. SES does not send to addresses on its suppression lists.
 *
 * @see https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
 */
export const BOUNCES: EventMeanings = {
  Permanent: ["bounced", "bounced", true],
  "Permanent/Suppressed": ["rejected", "bounced"],
  "Permanent/OnAccountSuppressionList": ["rejected", "bounced"],
  "Permanent/UnsubscribedRecipient": ["rejected", "unsubscribed"],
  Transient: ["bounced", "bounced", false],
  "Transient/MessageTooLarge": ["bounced", "other", false],
  "Transient/CustomTimeoutExceeded": ["bounced", "timed_out", false],
  "Transient/ContentRejected": ["bounced", "spam", false],
  "Transient/AttachmentRejected": ["bounced", "other", false],
  Undetermined: ["bounced", "bounced", null],
};

/** By `complaintSubType`: the message was not sent, since the address had complained before. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Complaint.html */
export const COMPLAINTS: EventMeanings = { OnAccountSuppressionList: ["rejected", "spam"] };

/** By `delayType`. https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html#event-publishing-retrieving-sns-contents-delivery-delay-object */
export const DELAYS: EventMeanings = {
  MailboxFull: ["deferred", "bounced"],
  SpamDetected: ["deferred", "spam"],
  IPFailure: ["deferred", "blocked"],
};
