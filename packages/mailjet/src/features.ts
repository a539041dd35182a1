import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Mailjet's API can do.
 *
 * @see https://dev.mailjet.com/email/guides/send-api-v31/
 */
export const mailjetFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  metadata: true,
  tags: "one",
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
});

/** Type of {@link mailjetFeatures}. */
export type MailjetFeatures = typeof mailjetFeatures;
