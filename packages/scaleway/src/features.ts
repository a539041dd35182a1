import type { MessageFor } from "@posthorn/core";
import { defineFeatures } from "@posthorn/core/provider";

/**
 * What Scaleway's API can do.
 *
 * @see https://www.scaleway.com/en/developers/api/transactional-email/
 */
const features = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  headers: true,
  attachments: true,
  metadata: true,
  mergeHeaders: true,
  mergeMetadata: true,
  tags: true,
});

/** What Scaleway can do, by name. */
export interface ScalewayFeatures extends Readonly<typeof features> {}

export const scalewayFeatures: ScalewayFeatures = features;

/** A message that Scaleway can send. */
export interface ScalewayMessage extends MessageFor<ScalewayFeatures, "Scaleway"> {}
