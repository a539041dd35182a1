import type { Features } from "@posthorn/core";

/**
 * What Mailjet's API can do.
 *
 * @see https://dev.mailjet.com/email/guides/send-api-v31/
 */
export const mailjetFeatures = {
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: false,
  alternatives: false,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  metadata: true,
  sendAt: false,
  tags: "one",
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: false,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link mailjetFeatures}. */
export type MailjetFeatures = typeof mailjetFeatures;
