import type { Features } from "@posthorn/core";

/**
 * What Unisender Go's API can do.
 *
 * @see https://godocs.unisender.ru/web-api-ref#email-send
 */
export const unisenderGoFeatures = {
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: true,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: false,
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
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link unisenderGoFeatures}. */
export type UnisenderGoFeatures = typeof unisenderGoFeatures;
