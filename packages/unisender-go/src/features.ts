import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Unisender Go's API can do.
 *
 * @see https://godocs.unisender.ru/web-api-ref#email-send
 */
export const unisenderGoFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
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

/** Type of {@link unisenderGoFeatures}. */
export type UnisenderGoFeatures = typeof unisenderGoFeatures;
