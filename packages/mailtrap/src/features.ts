import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Mailtrap's API can do.
 *
 * @see https://docs.mailtrap.io/developers/email-sending
 */
const features = defineFeatures({
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

/** What Mailtrap can do, by name. */
export interface MailtrapFeatures extends Readonly<typeof features> {}

export const mailtrapFeatures: MailtrapFeatures = features;

/** A message that Mailtrap can send. */
export interface MailtrapMessage extends MessageFor<MailtrapFeatures, "Mailtrap"> {}
