import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Amazon SES's API can do.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
const features = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  alternatives: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  metadata: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
});

/** What Amazon SES can do, by name. */
export interface AmazonSesFeatures extends Readonly<typeof features> {}

export const amazonSesFeatures: AmazonSesFeatures = features;

/** A message that Amazon SES can send. */
export interface AmazonSesMessage extends MessageFor<AmazonSesFeatures, "Amazon SES"> {}
