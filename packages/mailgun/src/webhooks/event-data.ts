import {
  bareAddress,
  dateOfSeconds,
  idOf,
  lookUp,
  type RejectReason,
  recordOf,
  type TrackingEventType,
  type TrackingFields,
  textOf,
  textsOf,
} from "@posthorn/core/webhook";

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
  const event = textOf(data["event"]) ?? "";
  const status = recordOf(data["delivery-status"]);
  const reject = recordOf(data["reject"]);
  const headers = recordOf(recordOf(data["message"])["headers"]);
  const id = idOf(headers["message-id"]);
  const refused = event === "failed" || event === "rejected";
  return {
    eventType:
      event === "failed"
        ? data["severity"] === "temporary"
          ? "deferred"
          : "bounced"
        : (lookUp(TYPES, event) ?? "unknown"),
    eventId: token || null,
    // As sending gives it.
    messageId: typeof id === "string" && !id.startsWith("<") ? `<${id}>` : id,
    // Rejected mails are told of by their header alone.
    recipient: textOf(data["recipient"]) ?? bareAddress(textOf(headers["to"])),
    timestamp: dateOfSeconds(data["timestamp"]),
    rejectReason: refused ? (lookUp(REASONS, textOf(data["reason"])) ?? "other") : null,
    description:
      textOf(status["description"]) || textOf(reject["description"]) || textOf(reject["reason"]) || null,
    mtaResponse: textOf(status["message"]) || null,
    tags: textsOf(data["tags"]),
    metadata: recordOf(data["user-variables"]),
    clickUrl: textOf(data["url"]),
    userAgent: textOf(recordOf(data["client-info"])["user-agent"]),
  };
}
