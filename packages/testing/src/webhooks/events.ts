import type { InboundEvent } from "@posthorn/core/inbound";
import type { TrackingEvent, WebhookHandler, WebhookOptions } from "@posthorn/core/webhooks";
import { describe, expect, it } from "vitest";
import { requestOf, type SamplePost } from "./subject.js";

/** Entries of posts, and what each has to become. */
export interface WebhookEventCases<E extends TrackingEvent | InboundEvent> {
  /** Such as `Mailgun tracking`. */
  readonly name: string;
  readonly webhook: (options: WebhookOptions<E>) => WebhookHandler;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly post: (entries: readonly unknown[]) => SamplePost;
  /** By what it shows: an entry, and members of its event; `null` where it makes none. */
  readonly cases: Readonly<
    Record<string, readonly [entry: unknown, event: Readonly<Record<string, unknown>> | null]>
  >;
}

/** Describes, in vitest, what a provider's events become. */
export function describeWebhookEvents<E extends TrackingEvent | InboundEvent>({
  name,
  webhook,
  more,
  post,
  cases,
}: WebhookEventCases<E>): void {
  describe(`events of ${name}`, () => {
    it.each(Object.entries(cases))("%s", async (_, [entry, event]) => {
      const events: E[] = [];
      const options = { ...more, insecure: true, onEvent: (given: E) => void events.push(given) };
      const response = await webhook(options)(requestOf(post([entry])));
      expect(await response.text()).toBe("ok\n");
      expect(events).toMatchObject(event === null ? [] : [event]);
      expect(events).toHaveLength(event === null ? 0 : 1);
    });
  });
}
