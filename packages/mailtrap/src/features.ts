import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Mailtrap's API can do.
 *
 * @see https://docs.mailtrap.io/developers/email-sending
 */
export const mailtrapFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  metadata: true,
  tags: "one",
  templateId: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
});

/** Type of {@link mailtrapFeatures}. */
export type MailtrapFeatures = typeof mailtrapFeatures;
