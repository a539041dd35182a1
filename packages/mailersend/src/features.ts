import { defineFeatures } from "@posthorn/core/provider";

/**
 * What MailerSend's API can do.
 *
 * @see https://developers.mailersend.com/api/v1/email.html
 */
export const mailersendFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  sendAt: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
});

/** Type of {@link mailersendFeatures}. */
export type MailerSendFeatures = typeof mailersendFeatures;
