import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Unisender Go's API can do.
 *
 * @see https://godocs.unisender.ru/web-api-ref#email-send
 */
const features = defineFeatures({
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

/** What Unisender Go can do, by name. */
export interface UnisenderGoFeatures extends Readonly<typeof features> {}

export const unisenderGoFeatures: UnisenderGoFeatures = features;

/** A message that Unisender Go can send. */
export interface UnisenderGoMessage extends MessageFor<UnisenderGoFeatures, "Unisender Go"> {}
