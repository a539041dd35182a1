import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Mandrill's messages/send API can do.
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/send-new-message/
 */
const features = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
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
});

/** What Mandrill can do, by name. */
export interface MandrillFeatures extends Readonly<typeof features> {}

export const mandrillFeatures: MandrillFeatures = features;

/** A message that Mandrill can send. */
export interface MandrillMessage extends MessageFor<MandrillFeatures, "Mandrill"> {}
