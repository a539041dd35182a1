import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Amazon SES's API can do.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
export const amazonSesFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  alternatives: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  metadata: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
});

/** Type of {@link amazonSesFeatures}. */
export type AmazonSesFeatures = typeof amazonSesFeatures;
