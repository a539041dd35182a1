import type { Features } from "@posthorn/core";

/**
 * What MailerSend's API can do.
 *
 * @see https://developers.mailersend.com/api/v1/email.html
 */
export const mailersendFeatures = {
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: false,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: false,
  metadata: false,
  sendAt: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: false,
  mergeMetadata: false,
  idempotencyKey: false,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link mailersendFeatures}. */
export type MailersendFeatures = typeof mailersendFeatures;
