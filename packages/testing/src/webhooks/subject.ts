import type { InboundEvent } from "@posthorn/core/inbound";
import type { TrackingEvent, WebhookHandler, WebhookOptions } from "@posthorn/core/webhooks";

/** A post to a webhook. */
export interface SamplePost {
  /** Default {@link SAMPLE_URL}. */
  readonly url?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Where posts go; nothing listens there. */
export const SAMPLE_URL = "http://127.0.0.1/webhook";

/** A key that posts are signed by. */
export interface WebhookKey {
  /** What the webhook is given to verify by it. */
  readonly option: string;
  /**
   * The post as the provider would sign it.
   *
   * @param signedAt milliseconds since 1970
   */
  readonly sign: (post: SamplePost, signedAt: number) => SamplePost | Promise<SamplePost>;
}

/** An entry of a post, and what it has to become. */
export interface SampleEntry {
  readonly entry: unknown;
  /** Members of the event. */
  readonly event: Readonly<Record<string, unknown>>;
}

/** A webhook to be put through the suite. */
export interface WebhookSubject<E extends TrackingEvent | InboundEvent> {
  /** Such as `Mailgun tracking`. */
  readonly name: string;
  readonly webhook: (options: WebhookOptions<E>) => WebhookHandler;
  /** Options that it needs beside those to verify by. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Status of the response to a post that is not signed right, or several; default 400 or 401. */
  readonly refusedWith?: number | readonly number[];
  /** The status when `onEvent` throws. @default 500 */
  readonly failedWith?: number;
  /** The option that takes the key, `basicAuth` for HTTP basic auth. */
  readonly verifiedBy: string;
  /** Two keys of the user's, and one of somebody else. Default for HTTP basic auth: {@link basicAuthKeys}. */
  readonly keys?: readonly [WebhookKey, WebhookKey, WebhookKey];
  /** What the signature covers: by default the body, none of it with HTTP basic auth; else what matches. */
  readonly signed?: RegExp;
  /** Seconds for which a signature is good, where it holds a time. */
  readonly replayWindow?: number;
  /** A post of entries, not yet signed. */
  readonly post: (entries: readonly unknown[]) => SamplePost;
  /** Two entries where a post takes several, else one. */
  readonly samples: readonly [SampleEntry, ...SampleEntry[]];
  /** Whether its events have no id to tell a repeat by. */
  readonly withoutEventId?: boolean;
  /** Entries that cannot be read. Default: everything that JSON may have in the place of an object. */
  readonly unreadable?: readonly unknown[];
}

/** Keys of HTTP basic auth. */
export function basicAuthKeys(): readonly [WebhookKey, WebhookKey, WebhookKey] {
  const key = (option: string): WebhookKey => ({
    option,
    sign: (post) => ({
      ...post,
      headers: { ...post.headers, authorization: `Basic ${btoa(option)}` },
    }),
  });
  return [key("user:made-up one"), key("user:made-up two"), key("user:made-up stranger")];
}

/** A JSON post of one entry, the post itself. */
export function jsonPost(entries: readonly unknown[]): SamplePost {
  return jsonBody(entries[0]);
}

/** A JSON post of a list of entries. */
export function jsonListPost(entries: readonly unknown[]): SamplePost {
  return jsonBody(entries);
}

/** A JSON post of a value. */
export function jsonBody(value: unknown): SamplePost {
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

/** An `application/x-www-form-urlencoded` post. */
export function formPost(fields: Readonly<Record<string, string>>): SamplePost {
  return {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
  };
}

/** A mail for inbound webhooks. */
export const SAMPLE_MIME = [
  "Received: from mx.example.org by mx.provider.example; Tue, 24 Nov 2026 12:00:00 +0000",
  "From: Ada <ada@example.com>",
  "To: Grace <grace@example.org>, alan@example.org",
  "Subject: =?utf-8?q?Hello_=E2=9C=93?=",
  "Date: Tue, 24 Nov 2026 12:00:00 +0000",
  "MIME-Version: 1.0",
  'Content-Type: text/plain; charset="utf-8"',
  "",
  "Hi",
  "",
].join("\r\n");

/** What {@link SAMPLE_MIME} has to become. */
export const SAMPLE_MAIL = {
  eventType: "inbound",
  message: {
    from: { name: "Ada", email: "ada@example.com" },
    to: [
      { name: "Grace", email: "grace@example.org" },
      { name: "", email: "alan@example.org" },
    ],
    subject: "Hello ✓",
    date: new Date("2026-11-24T12:00:00Z"),
  },
} as const;

/** A post as a request to a handler. */
export function requestOf({ url, headers, body }: SamplePost): Request {
  return new Request(url ?? SAMPLE_URL, { method: "POST", headers, body: body as BodyInit });
}
