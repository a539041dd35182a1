import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Resend's API can do.
 *
 * @see https://resend.com/docs/api-reference/emails/send-email
 */
export const resendFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  metadata: true,
  sendAt: true,
  tags: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: true,
});

/** Type of {@link resendFeatures}. */
export type ResendFeatures = typeof resendFeatures;
