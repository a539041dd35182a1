import type { Features } from "@posthorn/core";

/**
 * What Mandrill's messages/send API can do.
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/send-new-message/
 */
export const mandrillFeatures = {
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: false,
  alternatives: false,
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
  mergeHeaders: false,
  mergeMetadata: true,
  idempotencyKey: false,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link mandrillFeatures}. */
export type MandrillFeatures = typeof mandrillFeatures;
