import type { Features } from "@posthorn/core";

/**
 * What Amazon SES's API can do.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
export const amazonSesFeatures = {
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
  sendAt: false,
  tags: true,
  trackClicks: false,
  trackOpens: false,
  templateId: true,
  templateSender: false,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: false,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link amazonSesFeatures}. */
export type AmazonSesFeatures = typeof amazonSesFeatures;
