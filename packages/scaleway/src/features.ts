import type { Features } from "@posthorn/core";

/**
 * What Scaleway's API can do.
 *
 * @see https://www.scaleway.com/en/developers/api/transactional-email/
 */
export const scalewayFeatures = {
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: false,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: false,
  envelopeSender: false,
  metadata: true,
  sendAt: false,
  tags: true,
  trackClicks: false,
  trackOpens: false,
  templateId: false,
  templateSender: false,
  mergeData: false,
  mergeGlobalData: false,
  mergeHeaders: false,
  mergeMetadata: false,
  idempotencyKey: false,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link scalewayFeatures}. */
export type ScalewayFeatures = typeof scalewayFeatures;
