import type { Features } from "@posthorn/core";

/**
 * What SendGrid's API can do.
 *
 * @see https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
 */
export const sendgridFeatures = {
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  alternatives: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: false,
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
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link sendgridFeatures}. */
export type SendgridFeatures = typeof sendgridFeatures;
