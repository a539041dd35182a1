import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What MailerSend's API can do.
 *
 * @see https://developers.mailersend.com/api/v1/email.html
 */
const features = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  sendAt: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
});

/** What MailerSend can do, by name. */
export interface MailerSendFeatures extends Readonly<typeof features> {}

export const mailersendFeatures: MailerSendFeatures = features;

/** A message that MailerSend can send. */
export interface MailerSendMessage extends MessageFor<MailerSendFeatures, "MailerSend"> {}
