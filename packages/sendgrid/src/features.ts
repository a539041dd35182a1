import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What SendGrid's API can do.
 *
 * @see https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
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
  metadata: true,
  sendAt: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
});

/** What SendGrid can do, by name. */
export interface SendGridFeatures extends Readonly<typeof features> {}

export const sendgridFeatures: SendGridFeatures = features;

/** A message that SendGrid can send. */
export interface SendGridMessage extends MessageFor<SendGridFeatures, "SendGrid"> {}
