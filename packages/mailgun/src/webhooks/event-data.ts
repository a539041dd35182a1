import {
  bareAddress,
  dateOfSeconds,
  type EventMeaning,
  idOf,
  type JsonRecord,
  meaningFields,
  numberOf,
  ownProperty,
  recordOf,
  stringOf,
  stringsOf,
  type TrackingFields,
} from "@posthorn/core/webhooks";
import { EVENTS, FAILURES } from "./meanings.js";

/** A JSON post as an event. */
export function readEventData(body: unknown, token: string): TrackingFields {
  const data = recordOf(recordOf(body)["event-data"]);
  const event = stringOf(data["event"]) ?? "";
  const status = recordOf(data["delivery-status"]);
  const reject = recordOf(data["reject"]);
  const headers = recordOf(recordOf(data["message"])["headers"]);
  const id = idOf(headers["message-id"]);
  return {
    ...meaningFields(event === "failed" ? failureOf(data, status) : ownProperty(EVENTS, event)),
    eventId: token || null,
    // As sending gives it.
    messageId: typeof id === "string" && !id.startsWith("<") ? `<${id}>` : id,
    // Rejected mails are told of by their header alone.
    recipient: stringOf(data["recipient"]) ?? bareAddress(stringOf(headers["to"])),
    timestamp: dateOfSeconds(data["timestamp"]),
    description:
      stringOf(status["description"]) ||
      stringOf(reject["description"]) ||
      stringOf(reject["reason"]) ||
      (event === "failed" || ownProperty(EVENTS, event) ? null : event || null),
    mtaResponse: stringOf(status["message"]) || null,
    tags: stringsOf(data["tags"]),
    metadata: recordOf(data["user-variables"]),
    clickUrl: stringOf(data["url"]),
    userAgent: stringOf(recordOf(data["client-info"])["user-agent"]),
  };
}

/** What a failure means: tried again, never tried, or refused. A `generic` one is a bounce where the server's response says so. */
function failureOf(data: JsonRecord, status: JsonRecord): EventMeaning {
  const reason = stringOf(data["reason"]);
  const known = ownProperty(FAILURES, reason);
  if (data["severity"] === "temporary") return ["deferred", known?.[1] ?? "other"];
  if (known && reason !== "generic") return known;
  const code = numberOf(status["code"]) ?? 0;
  return code >= 500 && code < 600 ? ["bounced", "bounced", true] : ["bounced", "other", null];
}
