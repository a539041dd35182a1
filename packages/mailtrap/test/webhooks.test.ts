import type { TrackingEvent } from "@posthorn/core/webhooks";
import { describeWebhookConformance, hmacKeys, jsonBody, requestOf } from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { trackingWebhook } from "../src/webhooks/index.js";

const entry = {
  event: "delivery",
  event_id: "e1",
  message_id: "m1",
  email: "grace@example.org",
  timestamp: 1_764_000_000,
  category: "welcome",
  custom_variables: { userId: 42 },
};

describeWebhookConformance({
  name: "Mailtrap tracking",
  webhook: trackingWebhook,
  verifiedBy: "signingKey",
  keys: hmacKeys("mailtrap-signature", "hex"),
  post: (events) => jsonBody({ events }),
  samples: [
    {
      entry,
      event: { eventType: "delivered", messageId: "m1", tags: ["welcome"], metadata: { userId: 42 } },
    },
    {
      entry: { ...entry, event: "open", event_id: "e2" },
      event: { eventType: "opened", eventId: "e2", recipient: "grace@example.org" },
    },
  ],
});

describeWebhookConformance({
  name: "Mailtrap tracking, as JSON Lines",
  webhook: trackingWebhook,
  verifiedBy: "signingKey",
  keys: hmacKeys("mailtrap-signature", "hex"),
  post: (events) => ({
    headers: { "content-type": "application/x-ndjson" },
    body: `${events.map((event) => JSON.stringify(event)).join("\n")}\n`,
  }),
  samples: [
    { entry, event: { eventType: "delivered", eventId: "e1" } },
    { entry: { ...entry, event: "open", event_id: "e2" }, event: { eventType: "opened", eventId: "e2" } },
  ],
});

describe("Mailtrap", () => {
  const read = async (body: string) => {
    const events: TrackingEvent[] = [];
    const handler = trackingWebhook({ insecure: true, onEvent: (event) => void events.push(event) });
    const { status } = await handler(requestOf({ headers: {}, body }));
    return { status, events };
  };

  it("may post one event alone, as a line or in a list", async () => {
    const both = [JSON.stringify(entry), JSON.stringify({ events: [entry] })];
    for (const body of both)
      expect(await read(body)).toMatchObject({ status: 200, events: [{ eventId: "e1" }] });
  });

  it.each([
    ["bounce", "bounced", "bounced"],
    ["soft bounce", "deferred", "other"],
    ["soft_bounce", "deferred", "other"],
    ["suspension", "deferred", "other"],
    ["reject", "rejected", "blocked"],
    ["spam", "complained", "spam"],
    ["spam_complaint", "complained", "spam"],
    ["unsubscribe", "unsubscribed", "unsubscribed"],
    ["click", "clicked", null],
    ["something new", "unknown", null],
  ])("says %s for %s", async (event, eventType, rejectReason) => {
    expect(await read(JSON.stringify({ events: [{ ...entry, event }] }))).toMatchObject({
      events: [{ eventType, rejectReason }],
    });
  });

  it("refuses what is neither", async () => {
    for (const body of ["", "5", "no\nJSON", "[]", '"text"']) expect((await read(body)).status).toBe(400);
  });
});
