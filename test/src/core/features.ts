import type { Features } from "@posthorn/core";

/** Features of a made-up provider, one of each kind missing. */
export const features = {
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: false,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: false,
  envelopeSender: false,
  metadata: true,
  sendAt: true,
  tags: true,
  trackClicks: false,
  trackOpens: true,
  templateId: true,
  templateSender: false,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: false,
  mergeMetadata: true,
  idempotencyKey: false,
  multipleFrom: false,
} as const satisfies Features;
