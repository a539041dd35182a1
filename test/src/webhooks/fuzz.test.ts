import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { PosthornError } from "@posthorn/core";
import type { InboundEvent } from "@posthorn/core/inbound";
import type { TrackingEvent, WebhookHandler, WebhookOptions } from "@posthorn/core/webhooks";
import * as scaleway from "@posthorn/scaleway/webhooks";
import { seededRandom } from "@posthorn/testing/servers";
import { describe, expect, it } from "vitest";
import { type ProviderWebhooks, WEBHOOKS } from "../vectors/webhooks.js";
import { mutate } from "./mutate.js";
import { type Kind, type Post, signedPosts } from "./posts.js";

/** Mutations of each handler; all of them where there is time. */
const MUTATIONS = process.env["POSTHORN_DEEP"] === "1" ? 20_000 : 2_000;
const SEED = 20_261_124;
/** Bytes of heap that may be left over after all mutations of a handler. */
const MEMORY = 50_000_000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

type AnyEvent = TrackingEvent | InboundEvent;

/** What the mail of Resend and of S3 is fetched from. */
const fetchNothing = async (): Promise<Response> => Response.json({ object: "email", text: "fetched" });

/** All that have vectors, and Scaleway. */
const FUZZED: Readonly<Record<string, ProviderWebhooks>> = { ...WEBHOOKS, scaleway };

for (const [provider, webhooks] of Object.entries(FUZZED)) {
  for (const kind of ["tracking", "inbound"] as const) {
    const make = kind === "tracking" ? webhooks.trackingWebhook : webhooks.inboundWebhook;
    // Nothing was recorded of Mailtrap's received messages.
    if (!make || (provider === "mailtrap" && kind === "inbound")) continue;
    it(`${provider} ${kind}: ${MUTATIONS} mutated posts do no harm`, { timeout: 300_000 }, async () => {
      const { posts: recorded, options, now, covered } = signedPosts(provider, kind);
      const posts: Post[] = [];
      const events: AnyEvent[] = [];
      const errors: unknown[] = [];
      const open = (more: object): WebhookHandler =>
        (make as (options: WebhookOptions<AnyEvent>) => WebhookHandler)({
          onEvent: (event: AnyEvent) => void events.push(event),
          onError: (error) => void errors.push(error),
          clock: { now: () => now },
          ...more,
        });
      const verifying = open({ ...fetchOption(provider, kind), ...options });
      const trusting = open({
        insecure: true,
        ...fetchOption(provider, kind),
      });

      // The real posts are taken, or all else here would say nothing.
      for (const post of recorded) {
        const { status } = await verifying(request(post));
        // Some of the recorded ones have none.
        if (String(errors.splice(0)[0]).includes("holds no message")) continue;
        expect(status).toBe(200);
        posts.push(post);
        expect(events.splice(0).length).toBeGreaterThan(0);
      }
      expect(posts.length).toBeGreaterThan(0);
      const vouchedFor = new Set(posts.map(covered));
      const random = seededRandom(SEED);
      const accepted = { verifying: 0, trusting: 0 };
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      for (let n = 0; n < MUTATIONS; n++) {
        const post = mutate(posts[n % posts.length] as Post, posts, random);
        const describePost = (): string =>
          `mutation ${n}: ${JSON.stringify(post.headers)}\n${post.body.toString("latin1")}`;

        const verified = await verifying(request(post));
        if (events.length > 0 && !vouchedFor.has(covered(post)))
          expect.fail(`an unverified event: ${describePost()}`);
        accepted.verifying += events.splice(0).length;

        const trusted = await trusting(request(post));
        accepted.trusting += events.length;
        for (const event of events.splice(0)) {
          expectForm(event);
          await readAll(event);
        }
        for (const response of [verified, trusted]) {
          if (![200, 400, 401, 413, 415, 429, 500, 503].includes(response.status))
            expect.fail(`${response.status}: ${describePost()}`);
        }
        for (const error of errors.splice(0)) {
          if (!(error instanceof PosthornError)) throw new Error(describePost(), { cause: error });
        }
      }
      collectGarbage();
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(MEMORY);
      // Readers were reached: else the mutations are too wild.
      expect(accepted.trusting).toBeGreaterThan(MUTATIONS / 10);
    });
  }
}

function fetchOption(provider: string, kind: Kind): object {
  if (kind !== "inbound") return {};
  if (provider === "amazon-ses")
    return { fetch: fetchNothing, accessKeyId: "AKIAEXAMPLE", secretAccessKey: "made-up" };
  if (provider === "resend" || provider === "brevo") return { fetch: fetchNothing, apiKey: "made-up" };
  return {};
}

function request({ url, headers, body }: Post): Request {
  return new Request(url, { method: "POST", headers, body: new Uint8Array(body) });
}

const TYPES =
  "queued sent rejected failed bounced deferred delivered autoresponded opened clicked complained unsubscribed subscribed unknown inbound";
const REASONS = "invalid bounced timed_out blocked spam unsubscribed other";

/** Whether an event has the form that its type promises, whatever the post had. */
function expectForm(event: AnyEvent): void {
  const isText = (value: unknown): boolean => value === null || typeof value === "string";
  const isDate = (value: Date | null): boolean => value === null || !Number.isNaN(value.getTime());
  const holds = [
    TYPES.split(" ").includes(event.eventType),
    isText(event.eventId) || typeof event.eventId === "number",
    isDate(event.timestamp),
    ...("message" in event
      ? [
          ...["subject", "text", "html", "envelopeSender", "envelopeRecipient", "strippedText"].map((name) =>
            isText(event.message[name as "subject"]),
          ),
          isDate(event.message.date),
          event.message.to.every(({ name, email }) => isText(name) && isText(email)),
          event.message.headers.every(
            ([name, value]) => typeof name === "string" && typeof value === "string",
          ),
        ]
      : [
          event.rejectReason === null || REASONS.split(" ").includes(event.rejectReason),
          isText(event.messageId) || typeof event.messageId === "number",
          ...[event.recipient, event.description, event.mtaResponse, event.clickUrl, event.userAgent].map(
            isText,
          ),
          event.tags.every((tag) => typeof tag === "string"),
          Object.getPrototypeOf(event.metadata) === Object.prototype,
        ]),
  ];
  if (holds.includes(false))
    expect.fail(`of the wrong form at ${holds.indexOf(false)}: ${JSON.stringify(event)}`);
}

/** Opens the files of a mail too. A file that has to be fetched may fail, with an error that says so. */
async function readAll(event: AnyEvent): Promise<void> {
  if (!("message" in event)) return;
  for (const file of [...event.message.attachments, ...Object.values(event.message.inlines)]) {
    await file.blob().catch((error: unknown) => {
      if (!(error instanceof PosthornError)) throw error;
    });
  }
}

describe("seeds", () => {
  it("gives the same mutations each time", () => {
    const { posts } = signedPosts("postmark", "tracking");
    const once = (): Post => mutate(posts[0] as Post, posts, seededRandom(1));
    expect(once()).toEqual(once());
  });
});
