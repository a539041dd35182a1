import {
  bareAddress,
  dateOfSeconds,
  idOf,
  ownProperty,
  type RejectReason,
  recordOf,
  stringOf,
  stringsOf,
  type TrackingEventType,
  type TrackingFields,
} from "@posthorn/core/webhooks";

// https://documentation.mailgun.com/docs/mailgun/user-manual/events/events
const TYPES: Readonly<Record<string, TrackingEventType>> = {
  accepted: "queued",
  rejected: "rejected",
  delivered: "delivered",
  opened: "opened",
  clicked: "clicked",
  unsubscribed: "unsubscribed",
  complained: "complained",
};

const REASONS: Readonly<Record<string, RejectReason>> = {
  bounce: "bounced",
  "suppress-bounce": "bounced",
  "suppress-complaint": "spam",
  "suppress-unsubscribe": "unsubscribed",
  old: "timed_out",
  generic: "other",
  hardfail: "bounced",
};

/** A JSON post as an event. */
export function readEventData(body: unknown, token: string): TrackingFields {
  const data = recordOf(recordOf(body)["event-data"]);
  const event = stringOf(data["event"]) ?? "";
  const status = recordOf(data["delivery-status"]);
  const reject = recordOf(data["reject"]);
  const headers = recordOf(recordOf(data["message"])["headers"]);
  const id = idOf(headers["message-id"]);
  const reason = stringOf(data["reason"]) ?? (event === "rejected" ? "" : null);
  return {
    eventType:
      event === "failed"
        ? data["severity"] === "temporary"
          ? "deferred"
          : "bounced"
        : (ownProperty(TYPES, event) ?? "unknown"),
    eventId: token || null,
    // As sending gives it.
    messageId: typeof id === "string" && !id.startsWith("<") ? `<${id}>` : id,
    // Rejected mails are told of by their header alone.
    recipient: stringOf(data["recipient"]) ?? bareAddress(stringOf(headers["to"])),
    timestamp: dateOfSeconds(data["timestamp"]),
    rejectReason: reason === null ? null : (ownProperty(REASONS, reason) ?? "other"),
    description:
      stringOf(status["description"]) ||
      stringOf(reject["description"]) ||
      stringOf(reject["reason"]) ||
      null,
    mtaResponse: stringOf(status["message"]) || null,
    tags: stringsOf(data["tags"]),
    metadata: recordOf(data["user-variables"]),
    clickUrl: stringOf(data["url"]),
    userAgent: stringOf(recordOf(data["client-info"])["user-agent"]),
  };
}
