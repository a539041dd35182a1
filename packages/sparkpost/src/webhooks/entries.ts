import {
  isRecord,
  type JsonRecord,
  listOf,
  type WebhookPost,
  WebhookRequestError,
} from "@posthorn/core/webhooks";

/** One entry of a post. */
export interface SparkPostEntry {
  /** Such as `message_event` or `relay_message`. */
  readonly kind: string;
  readonly event: JsonRecord;
  /** The entry as it was posted. */
  readonly raw: unknown;
}

/** The entries of a post; a ping has none. */
export function entriesOf(post: WebhookPost): readonly SparkPostEntry[] {
  const body = post.json();
  if (!Array.isArray(body)) {
    throw new WebhookRequestError("SparkPost: the body is not a list of events", { status: 400 });
  }
  return listOf(body).flatMap((raw) => {
    const system = isRecord(raw) && isRecord(raw["msys"]) ? raw["msys"] : undefined;
    if (!system) return [{ kind: "", event: {}, raw }];
    return Object.entries(system).map(([kind, event]) => ({
      kind,
      event: isRecord(event) ? event : {},
      raw,
    }));
  });
}

/** What both of SparkPost's webhooks have. SparkPost posts again, for 8 hours, what is answered with anything but 200. */
export const SPARKPOST = { name: "SparkPost", envPrefix: "SPARKPOST" } as const;
