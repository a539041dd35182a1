import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Mailjet's API can do.
 *
 * @see https://dev.mailjet.com/email/guides/send-api-v31/
 */
const features = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  metadata: true,
  tags: "one",
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
});

/** What Mailjet can do, by name. */
export interface MailjetFeatures extends Readonly<typeof features> {}

export const mailjetFeatures: MailjetFeatures = features;

/** A message that Mailjet can send. */
export interface MailjetMessage extends MessageFor<MailjetFeatures, "Mailjet"> {}
