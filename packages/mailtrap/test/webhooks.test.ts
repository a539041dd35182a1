import type { TrackingEvent } from "@posthorn/core/webhooks";
import {
  describeWebhookConformance,
  hmacKeys,
  jsonBody,
  requestOf,
  SAMPLE_MAIL,
  SAMPLE_MIME,
} from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

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
  ])("takes %s for %s", async (event, eventType, rejectReason) => {
    expect(await read(JSON.stringify({ events: [{ ...entry, event }] }))).toMatchObject({
      events: [{ eventType, rejectReason }],
    });
  });

  it("says why, and whether for good", async () => {
    const bounce = { ...entry, event: "bounce", bounce_category: "hard", response: "550 no" };
    expect(
      await read(JSON.stringify({ events: [bounce, { ...bounce, bounce_category: "spam" }] })),
    ).toMatchObject({
      events: [
        { rejectReason: "bounced", permanent: true, description: "hard", mtaResponse: "550 no" },
        { rejectReason: "spam", permanent: false, description: "spam" },
      ],
    });
  });

  it("refuses what is neither", async () => {
    for (const body of ["", "5", "no\nJSON", "[]", '"text"']) expect((await read(body)).status).toBe(400);
  });
});

const arrived = {
  event: "inbound.message_received",
  event_id: "e1",
  timestamp: 1_764_000_000_500,
  inbox_id: 250,
  message_id: "1870314786754420736",
  from: "Ada <ada@example.com>",
};
const RAW = "https://files.example.com/raw.eml?signature=made-up";

/** Mailtrap's API, and where it keeps messages. */
function fakeApi(answers: Readonly<Record<string, () => Response>> = {}) {
  const calls: { url: string; token: string | null }[] = [];
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const url = String(input);
    calls.push({ url, token: new Headers(init?.headers).get("authorization") });
    if (answers[url]) return answers[url]();
    if (url === RAW) return new Response(SAMPLE_MIME);
    return Response.json({ id: url.split("/").at(-1), raw_message_url: RAW });
  };
  return { calls, fetch };
}

describeWebhookConformance({
  name: "Mailtrap inbound",
  webhook: inboundWebhook,
  more: { apiToken: "made-up", fetch: fakeApi().fetch },
  verifiedBy: "signingKey",
  keys: hmacKeys("mailtrap-signature", "hex"),
  post: (events) => jsonBody({ events }),
  samples: [
    {
      entry: arrived,
      event: { ...SAMPLE_MAIL, provider: "Mailtrap", eventId: "e1", timestamp: new Date(1_764_000_000_500) },
    },
    { entry: { ...arrived, event_id: "e2" }, event: { ...SAMPLE_MAIL, eventId: "e2" } },
  ],
});

// https://docs.mailtrap.io/developers/inbound/messages
describe("Mailtrap's received messages", () => {
  const post = async (body: unknown, api = fakeApi()) => {
    const subjects: (string | null)[] = [];
    const handler = inboundWebhook({
      insecure: true,
      apiToken: "made-up",
      fetch: api.fetch,
      onEvent: ({ message }) => void subjects.push(message.subject),
    });
    const response = await handler(requestOf(jsonBody(body)));
    return { status: response.status, reason: await response.text(), subjects, calls: api.calls };
  };
  const API = "https://mailtrap.io/api/inbound/inboxes/250/messages/1870314786754420736";

  it("are fetched by the API, and the token goes nowhere else", async () => {
    expect(await post({ events: [arrived] })).toMatchObject({
      status: 200,
      subjects: ["Hello ✓"],
      calls: [
        { url: API, token: "Bearer made-up" },
        { url: RAW, token: null },
      ],
    });
  });

  it("keep ids beyond 2^53", async () => {
    const body = JSON.stringify({ events: [arrived] }).replace(
      '"1870314786754420736"',
      "1870314786754420736",
    );
    const { calls, fetch } = fakeApi();
    const handler = inboundWebhook({ insecure: true, apiToken: "made-up", fetch, onEvent: () => {} });
    expect((await handler(requestOf({ headers: {}, body }))).status).toBe(200);
    expect(calls[0]?.url).toBe(API);
  });

  it.each([
    ["the API is down", { [API]: () => new Response("", { status: 503 }) }],
    ["the API has no link", { [API]: () => Response.json({ id: "1" }) }],
    ["the file is gone", { [RAW]: () => new Response("", { status: 403 }) }],
    ["the file is empty", { [RAW]: () => new Response("") }],
  ])("are posted again when %s", async (_, answers) => {
    const { status, subjects } = await post({ events: [arrived] }, fakeApi(answers));
    expect([status >= 400, subjects]).toEqual([true, []]);
  });

  it("lose none of the others of a post", async () => {
    const other = { ...arrived, event_id: "e2", message_id: "gone" };
    const api = fakeApi({ [API.replace(/\d+$/, "gone")]: () => new Response("", { status: 404 }) });
    expect(await post({ events: [other, arrived] }, api)).toMatchObject({
      status: 500,
      subjects: ["Hello ✓"],
    });
  });

  it("take the token of the environment or the option, and none is an error at once", () => {
    expect(() => inboundWebhook({ insecure: true, onEvent: () => {} })).toThrow(
      /apiToken.*MAILTRAP_API_TOKEN/,
    );
  });
});
