import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Resend's API can do.
 *
 * @see https://resend.com/docs/api-reference/emails/send-email
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
  sendAt: true,
  tags: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: true,
});

/** What Resend can do, by name. */
export interface ResendFeatures extends Readonly<typeof features> {}

export const resendFeatures: ResendFeatures = features;

/** A message that Resend can send. */
export interface ResendMessage extends MessageFor<ResendFeatures, "Resend"> {}
