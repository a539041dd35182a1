import type { Features } from "@posthorn/core";

/**
 * What Mailgun's messages API can do.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
 */
export const mailgunFeatures = {
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: "domain",
  metadata: true,
  sendAt: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: false,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: false,
  multipleFrom: true,
} as const satisfies Features;

/** Type of {@link mailgunFeatures}. */
export type MailgunFeatures = typeof mailgunFeatures;
