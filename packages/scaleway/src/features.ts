import type { Features } from "@posthorn/core";

/** What Scaleway's API can do. Name the page of its documentation here. */
export const scalewayFeatures = {
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: false,
  alternatives: false,
  headers: false,
  attachments: false,
  inlineAttachments: false,
  envelopeSender: false,
  metadata: false,
  sendAt: false,
  tags: false,
  trackClicks: false,
  trackOpens: false,
  templateId: false,
  mergeData: false,
  mergeGlobalData: false,
  mergeHeaders: false,
  mergeMetadata: false,
  idempotencyKey: false,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link scalewayFeatures}. */
export type ScalewayFeatures = typeof scalewayFeatures;
