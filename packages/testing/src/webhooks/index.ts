import { ConfigurationError } from "@posthorn/core";
import type { InboundEvent } from "@posthorn/core/inbound";
import {
  memoryEventStore,
  type TrackingEvent,
  type WebhookHandler,
  type WebhookOptions,
} from "@posthorn/core/webhooks";
import { describe, expect, it } from "vitest";
import {
  basicAuthKeys,
  requestOf,
  SAMPLE_URL,
  type SamplePost,
  type WebhookKey,
  type WebhookSubject,
} from "./subject.js";

export { describeWebhookEvents, type WebhookEventCases } from "./events.js";
export { hmacKeys } from "./keys.js";
export {
  basicAuthKeys,
  formPost,
  jsonBody,
  jsonListPost,
  jsonPost,
  requestOf,
  SAMPLE_MAIL,
  SAMPLE_MIME,
  SAMPLE_URL,
  type SampleEntry,
  type SamplePost,
  type WebhookKey,
  type WebhookSubject,
} from "./subject.js";

/** When posts are signed, and when they arrive. */
const NOW = Date.parse("2026-11-24T12:00:00Z");

/** How many bytes are changed, one at a time, to see that each is looked at. */
const TAMPERINGS = 60;

/** What JSON may have in the place of an object. */
const NO_OBJECTS = [null, 5, "text", true, [], {}];

/**
 * Describes, in vitest, what every webhook must do: take what is signed right, refuse everything else before it reaches
 * `onEvent`, rotate keys, keep the order of a batch and lose none of it, handle a repeat once, and answer 500 when
 * `onEvent` throws.
 */
export function describeWebhookConformance<E extends TrackingEvent | InboundEvent>(
  subject: WebhookSubject<E>,
): void {
  const { name, verifiedBy, more = {}, post, samples, replayWindow } = subject;
  const byPassword = verifiedBy === "basicAuth";
  const refused = [subject.refusedWith ?? [400, 401]].flat();
  const failed = subject.failedWith ?? 500;
  const [key, secondKey, strangersKey] = subject.keys ?? basicAuthKeys();
  const clock = { now: () => NOW };

  const make = (options: Partial<WebhookOptions<E>> & Record<string, unknown>): WebhookHandler =>
    subject.webhook({ clock, ...more, ...options } as unknown as WebhookOptions<E>);
  const sign = async (by: WebhookKey, entries: readonly unknown[], signedAt = NOW): Promise<SamplePost> =>
    by.sign(post(entries), signedAt);
  const entriesOf = (count: number): readonly unknown[] => samples.slice(0, count).map(({ entry }) => entry);
  const first = entriesOf(1);

  /** A webhook that notes what comes out of it. */
  const listen = (options: Partial<WebhookOptions<E>> & Record<string, unknown>) => {
    const events: E[] = [];
    const errors: unknown[] = [];
    const handler = make({
      onEvent: (event) => void events.push(event),
      onError: (error) => void errors.push(error),
      ...options,
    });
    return { events, errors, handle: async (sample: SamplePost) => handler(requestOf(sample)) };
  };
  const byKey = { [verifiedBy]: key.option };

  const expectRefused = async (
    sample: SamplePost,
    options: Record<string, unknown> = byKey,
    what?: string,
  ): Promise<void> => {
    const { events, errors, handle } = listen(options);
    const response = await handle(sample);
    const reason = await response.text();
    expect(refused, what ?? reason).toContain(response.status);
    expect(reason.trim()).not.toBe("");
    expect(reason).not.toContain(key.option);
    expect(events, what).toEqual([]);
    expect(errors, what).toHaveLength(1);
  };
  const expectTaken = async (
    sample: SamplePost,
    options: Record<string, unknown> = byKey,
    count = 1,
  ): Promise<void> => {
    const { events, errors, handle } = listen(options);
    const response = await handle(sample);
    expect([await response.text(), errors]).toEqual(["ok\n", []]);
    expect(response.status).toBe(200);
    expect(events).toMatchObject(samples.slice(0, count).map(({ event }) => event));
    expect(events).toHaveLength(count);
  };

  describe(`webhook of ${name}`, () => {
    it("takes what is signed right", async () => {
      await expectTaken(await sign(key, first));
    });

    it("refuses what is not signed, and what somebody else signed", async () => {
      await expectRefused(post(first));
      await expectRefused(await sign(strangersKey, first));
      await expectRefused(await sign(secondKey, first));
    });

    it("takes two keys at once, for rotation", async () => {
      const options = { [verifiedBy]: [key.option, secondKey.option] };
      await expectTaken(await sign(key, first), options);
      await expectTaken(await sign(secondKey, first), options);
      await expectRefused(await sign(strangersKey, first), options);
    });

    if (!byPassword) {
      it("refuses a body with one byte changed", async () => {
        const { body, ...rest } = await sign(key, first);
        const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
        const covered = (subject.signed ?? /^.*$/s).exec(new TextDecoder("latin1").decode(bytes));
        expect(covered).not.toBeNull();
        const [start, length] = [covered?.index ?? 0, covered?.[0].length ?? 0];
        const places = Math.min(TAMPERINGS, length);
        for (let place = 0; place < places; place++) {
          const at = start + Math.floor((place * length) / places);
          const changed = Uint8Array.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ 1;
          await expectRefused({ ...rest, body: changed }, byKey, `byte ${at} changed`);
        }
      });

      it("asks for basic auth too, where both are configured", async () => {
        const options = { ...byKey, basicAuth: ["user:made-up a", "user:made-up b"] };
        const signed = await sign(key, first);
        const withAuth = (credentials: string): SamplePost => ({
          ...signed,
          headers: { ...signed.headers, authorization: `Basic ${btoa(credentials)}` },
        });
        await expectRefused(signed, options);
        await expectRefused(withAuth("user:made-up c"), options);
        await expectTaken(withAuth("user:made-up a"), options);
        await expectTaken(withAuth("user:made-up b"), options);
        await expectRefused(
          {
            ...post(first),
            headers: { ...post(first).headers, authorization: `Basic ${btoa("user:made-up a")}` },
          },
          options,
        );
      });
    }

    if (replayWindow !== undefined) {
      it("refuses what was signed long ago, or far ahead", async () => {
        await expectRefused(await sign(key, first, NOW - (replayWindow + 30) * 1000));
        await expectTaken(await sign(key, first, NOW - (replayWindow - 30) * 1000));
        // Ahead there is no more than clocks may be apart.
        await expectRefused(await sign(key, first, NOW + 330_000));
        await expectTaken(await sign(key, first, NOW + Math.min(replayWindow - 30, 270) * 1000));
        await expectRefused(await sign(key, first, NOW - 90_000), { ...byKey, maxAge: 60 });
        await expectTaken(await sign(key, first, NOW - 30_000), { ...byKey, maxAge: 60 });
      });
    }

    it("is not made with nothing to verify by, unless told insecure", async () => {
      expect(() => make({ onEvent: () => {} })).toThrow(ConfigurationError);
      expect(() => make({ onEvent: () => {} })).toThrow(verifiedBy);
      await expectTaken(post(first), { insecure: true });
      await expectTaken(await sign(strangersKey, first), { insecure: true });
    });

    it("refuses options that it does not know, or of another form", () => {
      const options = { onEvent: () => {}, ...byKey };
      expect(() => make({ ...options, onEvents: () => {} })).toThrow(/onEvents.*onEvent/);
      expect(() => make({ ...options, [verifiedBy]: 5 })).toThrow(verifiedBy);
      expect(() => make(byKey)).toThrow("onEvent");
    });

    if (samples.length > 1) {
      it("gives several events in order, and loses none for one that cannot be read", async () => {
        await expectTaken(await sign(key, entriesOf(2)), byKey, 2);
        const [before, after] = entriesOf(2);
        for (const unreadable of subject.unreadable ?? NO_OBJECTS) {
          const { events, errors, handle } = listen(byKey);
          const response = await handle(await sign(key, [before, unreadable, after]));
          // A mail that cannot be read is not lost either: the provider is to send it again.
          expect(response.ok, JSON.stringify(unreadable)).toBe(errors.length === 0);
          const read = events.filter(({ eventType }) => eventType !== "unknown");
          expect(read, JSON.stringify(unreadable)).toMatchObject(samples.map(({ event }) => event));
          expect(read).toHaveLength(2);
        }
      });
    }

    it("handles a repeat once with a store", async () => {
      const { events, handle } = listen({ ...byKey, store: memoryEventStore() });
      const all = entriesOf(2);
      for (let time = 0; time < 3; time++) expect((await handle(await sign(key, all))).status).toBe(200);
      // Where the provider gives no id, what it posted is told by its digest.
      expect(events).toHaveLength(all.length);
      for (const { eventId } of events) expect(eventId === null).toBe(subject.withoutEventId ?? false);
    });

    it(`answers ${failed} when onEvent throws, still gives the other events, and takes the repeat`, async () => {
      const reason = new Error("the database is away");
      const given: E[] = [];
      const { errors, handle } = listen({
        ...byKey,
        store: memoryEventStore(),
        onEvent: (event) => {
          given.push(event);
          if (given.length === 1) throw reason;
        },
      });
      const all = entriesOf(2);
      const response = await handle(await sign(key, all));
      expect(response.status).toBe(failed);
      expect(await response.text()).not.toContain("database");
      expect(errors).toEqual([reason]);
      expect(given).toHaveLength(all.length);
      expect((await handle(await sign(key, all))).status).toBe(200);
      // What was handled is not given again.
      expect(given).toHaveLength(all.length + 1);
    });

    it("answers all the same when onError throws", async () => {
      const { handle } = listen({
        ...byKey,
        onError: () => {
          throw new Error("the log is full");
        },
      });
      expect((await handle(await sign(key, first))).status).toBe(200);
      expect(refused).toContain((await handle(post(first))).status);
    });

    it("answers a look whether it is there, and nothing but posts", async () => {
      const handler = make({ onEvent: () => {}, ...byKey });
      expect((await handler(new Request(SAMPLE_URL))).status).toBe(200);
      expect((await handler(new Request(SAMPLE_URL, { method: "HEAD" }))).status).toBe(200);
      expect((await handler(new Request(SAMPLE_URL, { method: "PUT", body: "{}" }))).status).toBe(405);
    });
  });
}
