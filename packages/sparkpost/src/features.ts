import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What SparkPost's API can do.
 *
 * @see https://developers.sparkpost.com/api/transmissions/
 */
const features = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
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

/** What SparkPost can do, by name. */
export interface SparkPostFeatures extends Readonly<typeof features> {}

export const sparkpostFeatures: SparkPostFeatures = features;

/** A message that SparkPost can send. */
export interface SparkPostMessage extends MessageFor<SparkPostFeatures, "SparkPost"> {}
