import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Scaleway's API can do.
 *
 * @see https://www.scaleway.com/en/developers/api/transactional-email/
 */
export const scalewayFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  headers: true,
  attachments: true,
  metadata: true,
  tags: true,
});

/** Type of {@link scalewayFeatures}. */
export type ScalewayFeatures = typeof scalewayFeatures;
