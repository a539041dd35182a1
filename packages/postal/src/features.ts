import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Postal's API can do.
 *
 * @see https://docs.postalserver.io/developer/api
 */
export const postalFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  headers: true,
  attachments: true,
  envelopeSender: true,
  tags: "one",
});

/** Type of {@link postalFeatures}. */
export type PostalFeatures = typeof postalFeatures;
