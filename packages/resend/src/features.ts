import type { Features } from "@posthorn/core";

/**
 * What Resend's API can do.
 *
 * @see https://resend.com/docs/api-reference/emails/send-email
 */
export const resendFeatures = {
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: false,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: false,
  metadata: true,
  sendAt: true,
  tags: true,
  trackClicks: false,
  trackOpens: false,
  templateId: true,
  templateSender: false,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: true,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link resendFeatures}. */
export type ResendFeatures = typeof resendFeatures;
