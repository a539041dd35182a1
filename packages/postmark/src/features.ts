import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Postmark's API can do.
 *
 * @see https://postmarkapp.com/developer/api/email-api
 */
export const postmarkFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  metadata: true,
  tags: "one",
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  multipleFrom: true,
});

/** Type of {@link postmarkFeatures}. */
export type PostmarkFeatures = typeof postmarkFeatures;
