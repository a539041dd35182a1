import type { Features } from "@posthorn/core";

/**
 * What Brevo's API can do.
 *
 * @see https://developers.brevo.com/reference/sendtransacemail
 */
export const brevoFeatures = {
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: false,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: false,
  envelopeSender: false,
  metadata: true,
  sendAt: true,
  tags: true,
  trackClicks: false,
  trackOpens: false,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: true,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link brevoFeatures}. */
export type BrevoFeatures = typeof brevoFeatures;
