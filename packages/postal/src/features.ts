import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Postal's API can do.
 *
 * @see https://docs.postalserver.io/developer/api
 */
export const postalFeatures = defineFeatures({
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

/** Type of {@link postalFeatures}. */
export type PostalFeatures = typeof postalFeatures;
