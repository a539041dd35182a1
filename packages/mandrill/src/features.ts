import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Mandrill's messages/send API can do.
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/send-new-message/
 */
export const mandrillFeatures = defineFeatures({
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
  mergeMetadata: true,
});

/** Type of {@link mandrillFeatures}. */
export type MandrillFeatures = typeof mandrillFeatures;
