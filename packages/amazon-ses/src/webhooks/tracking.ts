import { readNotification, type SnsEnvelope, type SnsOptions, snsWebhook } from "@posthorn/core/sns";
import {
  dateOf,
  idOf,
  isRecord,
  type JsonRecord,
  jsonOf,
  listOf,
  meaningFields,
  misdirected,
  ownProperty,
  readEach,
  recordOf,
  stringOf,
  stringsOf,
  type TrackingEvent,
  type TrackingFields,
  type WebhookHandler,
} from "@posthorn/core/webhooks";
import { BOUNCES, COMPLAINTS, DELAYS, EVENTS } from "./meanings.js";
import { AMAZON_SNS } from "./service.js";

/** Options of {@link trackingWebhook}. */
export interface AmazonSesTrackingOptions extends SnsOptions<TrackingEvent> {}

/**
 * Takes SES's notifications and published events through SNS.
 *
 * @see https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
 * @throws ConfigurationError when there is nothing to verify by
 */
export function trackingWebhook(options: AmazonSesTrackingOptions): WebhookHandler {
  return snsWebhook<TrackingEvent, AmazonSesTrackingOptions>({ service: AMAZON_SNS, read }, options);
}

function read(envelope: SnsEnvelope): readonly TrackingEvent[] {
  // SES says this once, when a topic is set.
  if (/^Successfully validated SNS topic/.test(envelope.message)) return [];
  const notification = readNotification("Amazon SES", envelope);
  if (notification["notificationType"] === "Received") {
    throw misdirected("Amazon SES", "message");
  }
  return readEach("Amazon SES", [notification], () => readEvents(notification, envelope));
}

function readEvents(notification: JsonRecord, envelope: SnsEnvelope): readonly TrackingFields[] {
  const mail = recordOf(notification["mail"]);
  const common: TrackingFields = {
    eventId: envelope.messageId,
    messageId: idOf(mail["messageId"]),
    timestamp: dateOf(envelope.timestamp),
    // Where sending put them.
    tags: headersOf(mail, "x-tag"),
    metadata: Object.fromEntries(
      headersOf(mail, "x-metadata").flatMap((value) => Object.entries(recordOf(jsonOf(value)))),
    ),
  };
  return aboutEach(notification, mail).map((fields) => ({ ...common, ...fields }));
}

/** What an event says of each recipient that it is about. */
function aboutEach(notification: JsonRecord, mail: JsonRecord): readonly TrackingFields[] {
  const type = stringOf(notification["eventType"] ?? notification["notificationType"]);
  // Something else was published to the topic.
  if (type === null) return [];
  // `Open` tells more in `open`, `DeliveryDelay` in `deliveryDelay`.
  const member = type.charAt(0).toLowerCase() + type.slice(1);
  const detail = recordOf(notification[type === "Rendering Failure" ? "failure" : member]);
  const kind = stringOf(detail["bounceType"] ?? detail["delayType"]);
  const subType = stringOf(detail["bounceSubType"] ?? detail["complaintSubType"]);
  const known = ownProperty(EVENTS, type);
  const meaning =
    ownProperty(BOUNCES, `${kind}/${subType}`) ??
    ownProperty(BOUNCES, kind) ??
    ownProperty(DELAYS, kind) ??
    ownProperty(COMPLAINTS, subType);
  const why = ["complaintFeedbackType", "complaintSubType", "delayType", "reason", "errorMessage"];
  const fields: TrackingFields = {
    ...meaningFields((known && meaning) ?? known),
    description:
      type === "Bounce"
        ? `${kind}: ${subType}`
        : (why.map((name) => stringOf(detail[name])).find(Boolean) ?? (known ? null : type)),
    clickUrl: stringOf(detail["link"]),
    userAgent: stringOf(detail["userAgent"]),
    ...(type === "Subscription" ? subscriptionOf(detail) : {}),
  };
  const lists = ["recipients", "delayedRecipients", "bouncedRecipients", "complainedRecipients"];
  const recipients = listOf(lists.map((name) => detail[name]).find(Array.isArray) ?? mail["destination"]);
  // A new kind of event may be about no message.
  if (recipients.length === 0 && !known) return [fields];
  return recipients.map((entry) => ({
    ...fields,
    recipient: stringOf(entry) ?? stringOf(recordOf(entry)["emailAddress"]),
    mtaResponse: stringOf(recordOf(entry)["diagnosticCode"] ?? detail["smtpResponse"]),
  }));
}

/**
 * What a contact chose: all topics at once, or topic by topic. A contact who leaves one topic and joins another did neither.
 *
 * @see https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html#event-publishing-retrieving-sns-contents-subscription-object
 */
function subscriptionOf({ oldTopicPreferences: old, newTopicPreferences: now }: JsonRecord): TrackingFields {
  const [wasOut, isOut] = [old, now].map((preferences) => recordOf(preferences)["unsubscribeAll"] === true);
  const before = topicsOf(old);
  const changed = [...topicsOf(now)].filter(([topic, isIn]) => before.get(topic) !== isIn);
  const joined = changed.filter(([, isIn]) => isIn).length;
  const description = changed.map(([topic]) => topic).join(", ") || null;
  if (isOut || (changed.length > 0 && joined === 0)) {
    return { eventType: "unsubscribed", rejectReason: "unsubscribed", description };
  }
  // Without topics a contact joins the list as a whole.
  const isIn = joined === changed.length && (joined > 0 || wasOut || before.size === 0);
  return { eventType: isIn ? "subscribed" : "unknown", description };
}

/** Whether the contact is in each topic; SES writes the status as `OptOut` and as `OPT_OUT`. */
function topicsOf(preferences: unknown): ReadonlyMap<string, boolean> {
  return new Map(
    eachOf(recordOf(preferences)["topicSubscriptionStatus"]).map((topic) => [
      stringOf(topic["topicName"]) ?? "",
      !/out$/i.test(stringOf(topic["subscriptionStatus"]) ?? ""),
    ]),
  );
}

function eachOf(list: unknown): readonly JsonRecord[] {
  return listOf(list).filter(isRecord);
}

/** Values of a header of the mail, which SES tells when "include original headers" is on. */
function headersOf(mail: JsonRecord, name: string): readonly string[] {
  return eachOf(mail["headers"]).flatMap((header) =>
    stringOf(header["name"])?.toLowerCase() === name ? stringsOf(header["value"]) : [],
  );
}
