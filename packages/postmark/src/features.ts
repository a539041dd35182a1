import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Postmark's API can do.
 *
 * @see https://postmarkapp.com/developer/api/email-api
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
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  multipleFrom: true,
});

/** What Postmark can do, by name. */
export interface PostmarkFeatures extends Readonly<typeof features> {}

export const postmarkFeatures: PostmarkFeatures = features;

/** A message that Postmark can send. */
export interface PostmarkMessage extends MessageFor<PostmarkFeatures, "Postmark"> {}
