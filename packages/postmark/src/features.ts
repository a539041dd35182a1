import type { Features } from "@posthorn/core";

/**
 * What Postmark's API can do.
 *
 * @see https://postmarkapp.com/developer/api/email-api
 */
export const postmarkFeatures = {
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
  sendAt: false,
  tags: "one",
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: false,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: false,
  multipleFrom: true,
} as const satisfies Features;

/** Type of {@link postmarkFeatures}. */
export type PostmarkFeatures = typeof postmarkFeatures;
