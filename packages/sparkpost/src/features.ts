import { defineFeatures } from "@posthorn/core/provider";

/**
 * What SparkPost's API can do.
 *
 * @see https://developers.sparkpost.com/api/transmissions/
 */
export const sparkpostFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  metadata: true,
  sendAt: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: true,
});

/** Type of {@link sparkpostFeatures}. */
export type SparkPostFeatures = typeof sparkpostFeatures;
