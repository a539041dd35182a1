import { describe, expect, it } from "vitest";
import {
  ApiError,
  attachMessage,
  ConfigurationError,
  detachMessage,
  InvalidMessageError,
  listUnsubscribe,
  type Message,
  outcomeOf,
  PoolError,
  PosthornError,
  priority,
  RecipientsRefusedError,
  recipientsOf,
  remainder,
  TransportError,
  UnsupportedFeatureError,
  withoutRecipients,
} from "../src/index.js";
import { makeResult, normalizeMessage, resolveRetry } from "../src/provider.js";
import { RetryPolicy } from "../src/retry/policy.js";
import { trackingEvent, trackingIdOf } from "../src/webhooks/index.js";

const api = (status: number, details = {}): ApiError =>
  new ApiError("m", { status, headers: {}, body: "", ...details });

describe("outcomeOf", () => {
  it.each<[string, PosthornError, string, boolean]>([
    ["a wrong key", api(401), "account", true],
    ["a quota used up", api(429), "account", true],
    ["a limit", api(429, { retryable: true }), "provider", true],
    ["a sick provider", api(503), "provider", true],
    ["a bad message", api(422), "message", false],
    ["an accepted message", api(200, { delivery: "accepted" }), "none", false],
    ["a redirect", api(301), "account", true],
    ["a missing option", new ConfigurationError("m"), "account", true],
    ["an invalid message", new InvalidMessageError("m"), "message", false],
    ["an unsupported field", new UnsupportedFeatureError("m", { field: "tags" }), "message", false],
    ["no connection", new TransportError("m", { phase: "connect", code: "ECONNREFUSED" }), "provider", true],
    ["a certificate", new TransportError("m", { phase: "other", code: "CERT_HAS_EXPIRED" }), "account", true],
    ["a hook", new PosthornError("m", { code: "HOOK_FAILED" }), "message", false],
    ["SMTP's word for sick", api(451, { isProviderSick: true }), "provider", true],
  ])("%s", (_, error, fault, retryable) => {
    expect(outcomeOf({ error })).toMatchObject({ fault, retryable, delivery: error.delivery, error: "m" });
  });

  it("of pools, results and strange errors", () => {
    const pool = new PoolError("m", {
      delivery: "unknown",
      route: [
        { provider: "A", outcome: "failed", error: api(500, { delivery: "unknown" }) },
        { provider: "B", outcome: "failed", error: api(401) },
      ],
    });
    expect(outcomeOf({ error: pool })).toMatchObject({
      provider: "A",
      fault: "provider",
      delivery: "unknown",
    });
    const recipients = { "a@example.com": { status: "rejected", messageId: null } } as const;
    const result = makeResult({ provider: "A", recipients });
    const refused = new RecipientsRefusedError("m", { result });
    expect(outcomeOf({ error: refused })).toMatchObject({
      fault: "recipients",
      recipients,
      retryable: false,
    });
    expect(outcomeOf({ result })).toMatchObject({ delivery: "accepted", fault: "none", cancelled: false });
    expect(outcomeOf({ result: { ...result, status: "cancelled" } })).toMatchObject({
      delivery: "not-sent",
      cancelled: true,
    });
    expect(outcomeOf({ error: "no" })).toMatchObject({ delivery: "unknown", retryable: false, error: "no" });
  });
});

describe("recipients", () => {
  const message: Message = {
    to: ["Ada <Ada@Example.com>", "b@example.com"],
    cc: "c@example.com",
    bcc: [{ email: "b@example.com" }],
    mergeData: { "ada@example.com": { n: 1 }, "b@example.com": { n: 2 } },
  };

  it("are listed once, taken out, and left over", () => {
    expect(recipientsOf(message)).toEqual(["ada@example.com", "b@example.com", "c@example.com"]);
    expect(withoutRecipients(message, ["B@example.com"])).toEqual({
      to: ["Ada <Ada@Example.com>"],
      cc: ["c@example.com"],
      bcc: [],
      mergeData: { "ada@example.com": { n: 1 } },
    });
    expect(withoutRecipients(message, ["ada@example.com", "b@example.com"])).toBeUndefined();
    const failed = (retryable: boolean) => ({
      recipients: {
        "Ada@Example.com": { status: "queued", messageId: "1" },
        "b@example.com": { status: "failed", messageId: null, reason: { message: "slow", retryable } },
        "c@example.com": { status: "unknown", messageId: null, reason: { message: "cut", retryable } },
      } as const,
    });
    expect(remainder(message, failed(true))).toMatchObject({
      to: ["b@example.com"],
      mergeData: { "b@example.com": { n: 2 } },
    });
    expect(remainder(message, failed(false))).toBeUndefined();
  });
});

describe("detachMessage", () => {
  it("hands contents out as bytes, and gets them back", async () => {
    const stored = new Map<string, Uint8Array>();
    const message: Message = {
      from: "a@example.com",
      to: "b@example.com",
      html: Promise.resolve("<p>"),
      attachments: [
        { filename: "a.bin", content: new Blob([new Uint8Array(300_000).fill(7)]).stream() },
        { filename: "b.txt", content: "posthorn:content:a.bin" },
        { filename: "c.txt", content: "kept" },
      ],
    };
    const plain = await detachMessage(message, async (bytes, { path }) => {
      if (path === "attachments[2]") return undefined;
      stored.set(path, bytes);
      return path;
    });
    expect(stored.get("attachments[0]")).toEqual(new Uint8Array(300_000).fill(7));
    const text = JSON.stringify(plain);
    expect(text.length).toBeLessThan(500);
    const again = await attachMessage(
      JSON.parse(text) as Message,
      async (reference) => stored.get(reference) as Uint8Array,
    );
    const [a, b, c] = (await normalizeMessage(again, "raw")).attachments;
    expect(a?.content.size).toBe(300_000);
    expect(await b?.content.raw().blob().text()).toBe("posthorn:content:a.bin");
    expect(await c?.content.raw().blob().text()).toBe("kept");
    // What only looks like a reference stays what it is.
    const untouched = await detachMessage(message, async () => undefined);
    const same = await attachMessage(
      JSON.parse(JSON.stringify(untouched)) as Message,
      async () => new Uint8Array(),
    );
    const [, other] = (await normalizeMessage(same, "raw")).attachments;
    expect(await other?.content.raw().blob().text()).toBe("posthorn:content:a.bin");
  });
});

describe("helpers", () => {
  it("write the headers of RFC 8058", () => {
    expect(listUnsubscribe({ url: "https://example.com/u?t=1,2", mailto: "u@example.com" })).toEqual({
      "List-Unsubscribe": "<https://example.com/u?t=1,2>, <mailto:u@example.com>",
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    });
    expect(listUnsubscribe({ mailto: "mailto:u@example.com?subject=no" })).toEqual({
      "List-Unsubscribe": "<mailto:u@example.com?subject=no>",
    });
    for (const wrong of [
      {},
      { url: "http://example.com" },
      { url: "x" },
      { mailto: "nobody" },
      { mailto: "u@example.com>\r\nBcc: x@example.com" },
    ])
      expect(() => listUnsubscribe(wrong)).toThrow(InvalidMessageError);
    expect(priority("high")).toEqual({ Importance: "high", "X-Priority": "1" });
    expect(() => priority("urgent" as never)).toThrow(InvalidMessageError);
  });

  it("find the tracking id of an event", () => {
    const event = (fields: Parameters<typeof trackingEvent>[2]) =>
      trackingIdOf(trackingEvent("Test", {}, fields));
    expect(event({ metadata: { posthorn_id: "1" } as never })).toBe("1");
    expect(event({ tags: ["a", "posthorn:2"] })).toBe("2");
    expect(event({})).toBeUndefined();
  });

  it("lay retry options over a base of one's own", () => {
    const base = new RetryPolicy({ total: 7, statusForcelist: [451] });
    expect(resolveRetry(undefined, base)).toBe(base);
    expect(resolveRetry({ total: 1 }, base)).toMatchObject({ total: 1, statusForcelist: [451] });
    expect(resolveRetry(2, base).total).toBe(2);
  });
});
