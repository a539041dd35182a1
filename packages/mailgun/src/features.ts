import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Mailgun's messages API can do.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
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
  envelopeSender: "domain",
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
  multipleFrom: true,
});

/** What Mailgun can do, by name. */
export interface MailgunFeatures extends Readonly<typeof features> {}

export const mailgunFeatures: MailgunFeatures = features;

/** A message that Mailgun can send. */
export interface MailgunMessage extends MessageFor<MailgunFeatures, "Mailgun"> {}
