import type { Features } from "@posthorn/core";

/**
 * What Postal's API can do.
 *
 * @see https://docs.postalserver.io/developer/api
 */
export const postalFeatures = {
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: false,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: false,
  envelopeSender: true,
  metadata: false,
  sendAt: false,
  tags: "one",
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

/** Type of {@link postalFeatures}. */
export type PostalFeatures = typeof postalFeatures;
