import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Brevo's API can do.
 *
 * @see https://developers.brevo.com/reference/sendtransacemail
 */
const features = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  headers: true,
  attachments: true,
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

/** What Brevo can do, by name. */
export interface BrevoFeatures extends Readonly<typeof features> {}

export const brevoFeatures: BrevoFeatures = features;

/** A message that Brevo can send. */
export interface BrevoMessage extends MessageFor<BrevoFeatures, "Brevo"> {}
