import {
  dateOf,
  dateOfSeconds,
  type EventMeaning,
  type EventMeanings,
  idOf,
  type JsonRecord,
  meaningFields,
  misdirected,
  ownProperty,
  readEach,
  recordOf,
  stringOf,
  stringsOf,
  type TrackingEvent,
  type TrackingFields,
  trackingEvent,
  trackingHandler,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { entriesOf, SPARKPOST, type SparkPostEntry } from "./entries.js";
import { BOUNCE_CLASSES, EVENTS } from "./meanings.js";

/** Options of {@link trackingWebhook}. */
export interface SparkPostTrackingOptions extends WebhookOptions<TrackingEvent> {
  /**
   * Whether `initial_open` is an open too. SparkPost tells of a first open twice: by the pixel at the top, and as `open`
   * by that at the bottom, which long mails are cut before. Default `false`.
   */
  readonly trackInitialOpenAsOpened?: boolean | undefined;
}

/**
 * Takes SparkPost's event webhooks.
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: SparkPostTrackingOptions): WebhookHandler {
  return trackingHandler({ ...SPARKPOST, options: FORMS, read }, options);
}

const FORMS = { trackInitialOpenAsOpened: (value: unknown) => typeof value === "boolean" };

const INITIAL_OPENS: EventMeanings = { initial_open: ["opened"], amp_initial_open: ["opened"] };

function read(
  post: WebhookPost,
  { trackInitialOpenAsOpened }: SparkPostTrackingOptions,
): readonly TrackingEvent[] {
  const entries = entriesOf(post);
  if (entries.some(({ kind }) => kind === "relay_message")) throw misdirected("SparkPost", "message");
  const events = trackInitialOpenAsOpened ? { ...EVENTS, ...INITIAL_OPENS } : EVENTS;
  return entries.flatMap((entry) => readEntry(entry, events));
}

function readEntry({ kind, event, raw }: SparkPostEntry, events: EventMeanings): readonly TrackingEvent[] {
  if (kind === "")
    return [trackingEvent("SparkPost", raw, { description: "cannot be read: it has no msys" })];
  return readEach("SparkPost", [raw], () => [readEvent(kind, event, events)]);
}

function readEvent(kind: string, event: JsonRecord, events: EventMeanings): TrackingFields {
  const type = stringOf(event["type"]);
  const meaning = meaningOf(event, ownProperty(events, type));
  const tags = stringsOf(event["campaign_id"]);
  return {
    ...meaningFields(meaning),
    eventId: idOf(event["event_id"]),
    messageId: idOf(event["transmission_id"]),
    // As it was given; `rcpt_to` is in lower case.
    recipient: stringOf(event["raw_rcpt_to"] ?? event["rcpt_to"]),
    timestamp: dateOfSeconds(event["timestamp"]) ?? dateOf(event["timestamp"]),
    description: meaning ? null : (type ?? kind),
    mtaResponse: stringOf(event["raw_reason"] ?? event["reason"]),
    // Sending puts the tag there. Tags of recipients are those of stored lists.
    tags: tags.length > 0 ? tags : stringsOf(event["rcpt_tags"]),
    metadata: recordOf(event["rcpt_meta"]),
    clickUrl: stringOf(event["target_link_url"]),
    userAgent: stringOf(event["user_agent"]),
  };
}

/** The class of a bounce says what it is; of what else has one, it says why. */
function meaningOf(event: JsonRecord, known: EventMeaning | undefined): EventMeaning | undefined {
  const bounceClass = stringOf(event["bounce_class"]);
  if (bounceClass === null || !known) return known;
  const classified = ownProperty(BOUNCE_CLASSES, bounceClass) ?? ["bounced", "other"];
  if (known[0] === "bounced") return classified;
  return [known[0], classified[1]];
}
