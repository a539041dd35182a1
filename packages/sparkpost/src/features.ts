import type { Features } from "@posthorn/core";

/**
 * What SparkPost's API can do.
 *
 * @see https://developers.sparkpost.com/api/transmissions/
 */
export const sparkpostFeatures = {
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  metadata: true,
  sendAt: true,
  tags: "one",
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: true,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link sparkpostFeatures}. */
export type SparkpostFeatures = typeof sparkpostFeatures;
