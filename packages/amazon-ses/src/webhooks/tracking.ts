import { readNotification, type SnsEnvelope, type SnsOptions, snsWebhook } from "@posthorn/core/sns";
import {
  ConfigurationError,
  dateOf,
  idOf,
  isRecord,
  type JsonRecord,
  jsonOf,
  listOf,
  readEach,
  recordOf,
  stringOf,
  stringsOf,
  type TrackingEvent,
  type TrackingFields,
  type WebhookHandler,
} from "@posthorn/core/webhooks";
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
    throw new ConfigurationError(
      "Amazon SES: this is received mail; point its topic at the inbound webhook",
      {
        provider: "Amazon SES",
      },
    );
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
  const about = (name: string) => recordOf(notification[name]);
  const all = (fields: TrackingFields) =>
    stringsOf(mail["destination"]).map((recipient) => ({ ...fields, recipient }));
  switch (type) {
    case "Send":
      return all({ eventType: "sent" });
    case "Delivery": {
      const delivery = about("delivery");
      return stringsOf(delivery["recipients"]).map((recipient) => ({
        eventType: "delivered",
        recipient,
        mtaResponse: stringOf(delivery["smtpResponse"]),
      }));
    }
    case "DeliveryDelay": {
      const delay = about("deliveryDelay");
      return eachOf(delay["delayedRecipients"]).map((entry) => ({
        eventType: "deferred",
        recipient: stringOf(entry["emailAddress"]),
        description: stringOf(delay["delayType"]),
        mtaResponse: stringOf(entry["diagnosticCode"]),
      }));
    }
    case "Bounce": {
      const bounce = about("bounce");
      return eachOf(bounce["bouncedRecipients"]).map((entry) => ({
        eventType: "bounced",
        rejectReason: "bounced",
        recipient: stringOf(entry["emailAddress"]),
        description: `${stringOf(bounce["bounceType"])}: ${stringOf(bounce["bounceSubType"])}`,
        mtaResponse: stringOf(entry["diagnosticCode"]),
      }));
    }
    case "Complaint": {
      const complaint = about("complaint");
      return eachOf(complaint["complainedRecipients"]).map((entry) => ({
        eventType: "complained",
        rejectReason: "spam",
        recipient: stringOf(entry["emailAddress"]),
        description: stringOf(complaint["complaintFeedbackType"]),
        userAgent: stringOf(complaint["userAgent"]),
      }));
    }
    case "Reject":
      return all({
        eventType: "rejected",
        rejectReason: "blocked",
        description: stringOf(about("reject")["reason"]),
      });
    case "Open":
      return all({ eventType: "opened", userAgent: stringOf(about("open")["userAgent"]) });
    case "Click": {
      const click = about("click");
      return all({
        eventType: "clicked",
        clickUrl: stringOf(click["link"]),
        userAgent: stringOf(click["userAgent"]),
      });
    }
    case "Rendering Failure":
      return all({ eventType: "failed", description: stringOf(about("failure")["errorMessage"]) });
    case "Subscription": {
      const preferences = recordOf(about("subscription")["newTopicPreferences"]);
      return all({ eventType: preferences["unsubscribeAll"] === true ? "unsubscribed" : "subscribed" });
    }
    case null:
      // Something else was published to the topic.
      return [];
    default:
      return [{ eventType: "unknown", description: type }];
  }
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
