import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Postal's API can do.
 *
 * @see https://docs.postalserver.io/developer/api
 */
const features = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  alternatives: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  tags: "one",
  mergeHeaders: true,
});

/** What Postal can do, by name. */
export interface PostalFeatures extends Readonly<typeof features> {}

export const postalFeatures: PostalFeatures = features;

/** A message that Postal can send. */
export interface PostalMessage extends MessageFor<PostalFeatures, "Postal"> {}
