import type { EventMeanings } from "@posthorn/core/webhooks";

/** By `RecordType`. https://postmarkapp.com/developer/webhooks/webhooks-overview */
export const RECORDS: EventMeanings = {
  Delivery: ["delivered"],
  Open: ["opened"],
  Click: ["clicked"],
  SpamComplaint: ["complained", "spam"],
};

/**
 * By `Type` of a bounce, and `SuppressionReason` of a subscription change.
 *
 * @see https://postmarkapp.com/developer/api/bounce-api#bounce-types
 */
export const BOUNCES: EventMeanings = {
  HardBounce: ["bounced", "bounced", true],
  SoftBounce: ["bounced", "bounced", false],
  Transient: ["deferred"],
  DnsError: ["deferred"],
  OpenRelayTest: ["deferred"],
  Unsubscribe: ["unsubscribed", "unsubscribed"],
  ManualSuppression: ["unsubscribed", "unsubscribed"],
  Subscribe: ["subscribed"],
  AutoResponder: ["autoresponded"],
  AddressChange: ["autoresponded"],
  ChallengeVerification: ["autoresponded"],
  SpamNotification: ["complained", "spam"],
  SpamComplaint: ["complained", "spam"],
  VirusNotification: ["bounced", "other", false],
  // The receiving server refused these two for the sender or the content; the address may be right.
  Blocked: ["bounced", "blocked", false],
  DMARCPolicy: ["bounced", "blocked", false],
  BadEmailAddress: ["rejected", "invalid"],
  ManuallyDeactivated: ["rejected", "blocked"],
  Unconfirmed: ["rejected", "other"],
  SMTPApiError: ["failed"],
  TemplateRenderingFailed: ["failed"],
  // Postmark could not post a received message to the inbound webhook.
  InboundError: ["failed"],
  Unknown: ["unknown"],
};
