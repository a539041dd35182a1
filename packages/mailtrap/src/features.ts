import type { Features } from "@posthorn/core";

/**
 * What Mailtrap's API can do.
 *
 * @see https://docs.mailtrap.io/developers/email-sending
 */
export const mailtrapFeatures = {
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: false,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: false,
  metadata: true,
  sendAt: false,
  tags: "one",
  trackClicks: false,
  trackOpens: false,
  templateId: true,
  templateSender: false,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: false,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link mailtrapFeatures}. */
export type MailtrapFeatures = typeof mailtrapFeatures;
