import { ownProperty } from "../message/text.js";
import type { TrackingEvent } from "./event.js";

const TAG = "posthorn:";

/**
 * The `trackingId` that a message was sent with, where the provider carried it and gives it back.
 *
 * @example
 * ```ts
 * await mail.send(message, { trackingId: "order-17" });
 * trackingWebhook({ signingKey, onEvent: (event) => orders.update(trackingIdOf(event), event.eventType) });
 * ```
 */
export function trackingIdOf(event: Pick<TrackingEvent, "metadata" | "tags">): string | undefined {
  const id = ownProperty(event.metadata as Readonly<Record<string, unknown>>, "posthorn_id");
  if (typeof id === "string") return id;
  return event.tags.find((tag) => tag.startsWith(TAG))?.slice(TAG.length);
}
