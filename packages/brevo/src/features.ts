import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Brevo's API can do.
 *
 * @see https://developers.brevo.com/reference/sendtransacemail
 */
export const brevoFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  headers: true,
  attachments: true,
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

/** Type of {@link brevoFeatures}. */
export type BrevoFeatures = typeof brevoFeatures;
