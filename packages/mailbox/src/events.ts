import { ConfigurationError } from "./core.js";
import { isLoopback } from "./guard.js";
import type { SimulatedEventType, StoredEvent, StoredMessage } from "./stored-message.js";

/** An event to post to the application's webhook. */
export interface SimulatedEvent {
  readonly type: SimulatedEventType;
  readonly recipient: string;
  /** The link, for `clicked`. */
  readonly clickUrl: string | undefined;
  readonly message: StoredMessage;
  /** The id that sending returned for this recipient. */
  readonly messageId: string;
  /** Of this post alone. */
  readonly eventId: string;
  readonly timestamp: Date;
}

/** An event as a provider posts it: headers, signature included, and the exact body. */
export interface WebhookPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Makes a provider's webhook post of an event; `undefined` where the provider has no such event. */
export type WebhookFormat = (event: SimulatedEvent) => Promise<WebhookPost | undefined>;

/** Where the mailbox posts events. */
export interface MailboxWebhooks {
  /** The application's tracking webhook, on this machine: `http://localhost:3000/webhooks/resend`. */
  readonly tracking: string;
  /** The provider whose posts are made: {@link resendEvents}, {@link mailgunEvents}, {@link postmarkEvents}, or your own. */
  readonly format: WebhookFormat;
  /** The `fetch` to use instead of the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** Milliseconds that a webhook may take. */
const TIMEOUT = 10_000;
/** Characters of a response that are kept. */
const KEPT = 2_000;

/**
 * Checks where events go. Only this machine: a message or a page must not make the mailbox post to other hosts.
 *
 * @throws ConfigurationError
 */
export function checkWebhooks(webhooks: MailboxWebhooks): void {
  const url = URL.canParse(webhooks.tracking) ? new URL(webhooks.tracking) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || !isLoopback(url.hostname) || url.username || url.password) {
    throw new ConfigurationError(
      'Mailbox: option "webhooks.tracking" must be a URL on this machine, such as http://localhost:3000/webhooks',
      { provider: "Mailbox" },
    );
  }
  if (typeof webhooks.format !== "function") {
    throw new ConfigurationError(
      'Mailbox: option "webhooks.format" is required: pass resendEvents({ signingKey }) or the like',
      { provider: "Mailbox" },
    );
  }
}

/** Posts an event to the application, and says what came back. Redirects are not followed. */
export async function postEvent(webhooks: MailboxWebhooks, event: SimulatedEvent): Promise<StoredEvent> {
  const base = { type: event.type, recipient: event.recipient, at: event.timestamp.toISOString() };
  const post = await webhooks.format(event);
  if (!post) return { ...base, status: null, response: "this provider has no such event" };
  try {
    const response = await (webhooks.fetch ?? fetch)(webhooks.tracking, {
      method: "POST",
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
      headers: { ...post.headers },
      body: post.body,
    });
    return { ...base, status: response.status, response: (await response.text()).slice(0, KEPT) };
  } catch (error) {
    const { message, cause } = error as Error & { readonly cause?: { readonly code?: unknown } };
    const code = typeof cause?.code === "string" ? ` (${cause.code})` : "";
    return { ...base, status: null, response: `no response: ${message}${code}` };
  }
}

const JSON_TYPE = { "content-type": "application/json" };

/**
 * Posts as Resend makes them, signed by Svix's scheme. https://resend.com/docs/webhooks/event-types
 *
 * @param options `signingKey`: `whsec_…`, that of the application's webhook
 */
export function resendEvents(options: { readonly signingKey: string }): WebhookFormat {
  const types: Partial<Record<SimulatedEventType, string>> = {
    delivered: "email.delivered",
    opened: "email.opened",
    clicked: "email.clicked",
    bounced: "email.bounced",
    complained: "email.complained",
    deferred: "email.delivery_delayed",
  };
  return async ({ type, recipient, clickUrl, message, messageId, eventId, timestamp }) => {
    const name = types[type];
    if (!name) return undefined;
    const { tags, metadata, from, subject } = message.message;
    const time = timestamp.toISOString();
    const body = JSON.stringify({
      type: name,
      created_at: time,
      data: {
        email_id: messageId,
        created_at: message.receivedAt,
        from: from[0]?.email,
        to: [recipient],
        subject,
        // Where the package puts tags and metadata when it sends.
        headers: [
          ...(tags ? [{ name: "X-Tags", value: JSON.stringify(tags) }] : []),
          ...(metadata ? [{ name: "X-Metadata", value: JSON.stringify(metadata) }] : []),
        ],
        ...(type === "clicked"
          ? { click: { ipAddress: "127.0.0.1", link: clickUrl, timestamp: time, userAgent: USER_AGENT } }
          : {}),
        ...(type === "opened"
          ? { open: { ipAddress: "127.0.0.1", timestamp: time, userAgent: USER_AGENT } }
          : {}),
        ...(type === "bounced"
          ? {
              bounce: {
                type: "Permanent",
                subType: "General",
                message: "The recipient's server sent a bounce message",
              },
            }
          : {}),
      },
    });
    const seconds = String(Math.floor(timestamp.getTime() / 1000));
    const key = bytes(atob(options.signingKey.replace(/^whsec_/, "")), "latin1");
    const signature = await hmac(key, `${eventId}.${seconds}.${body}`);
    const signed = {
      "svix-id": eventId,
      "svix-timestamp": seconds,
      "svix-signature": `v1,${base64(signature)}`,
    };
    return { headers: { ...JSON_TYPE, ...signed }, body };
  };
}

/**
 * Posts as Mailgun makes them. https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks
 *
 * @param options `signingKey`: the HTTP webhook signing key
 */
export function mailgunEvents(options: { readonly signingKey: string }): WebhookFormat {
  const events: Record<SimulatedEventType, Readonly<Record<string, unknown>>> = {
    delivered: { event: "delivered" },
    opened: { event: "opened" },
    clicked: { event: "clicked" },
    bounced: { event: "failed", severity: "permanent", reason: "bounce" },
    complained: { event: "complained" },
    deferred: { event: "failed", severity: "temporary", reason: "generic" },
    unsubscribed: { event: "unsubscribed" },
  };
  return async ({ type, recipient, clickUrl, message, messageId, eventId, timestamp }) => {
    const seconds = String(Math.floor(timestamp.getTime() / 1000));
    const token = eventId
      .replace(/[^0-9a-z]/gi, "")
      .padEnd(50, "0")
      .slice(0, 50);
    const signature = hex(await hmac(bytes(options.signingKey), `${seconds}${token}`));
    const { tags, metadata, from, subject } = message.message;
    const isSeen = type === "opened" || type === "clicked";
    const body = JSON.stringify({
      signature: { timestamp: seconds, token, signature },
      "event-data": {
        ...events[type],
        id: eventId,
        timestamp: timestamp.getTime() / 1000,
        recipient,
        tags: tags ?? [],
        "user-variables": metadata ?? {},
        message: {
          headers: {
            "message-id": messageId.replace(/^<|>$/g, ""),
            from: from[0]?.email,
            to: recipient,
            subject: subject ?? "",
          },
        },
        ...(clickUrl === undefined ? {} : { url: clickUrl }),
        ...(isSeen ? { "client-info": { "user-agent": USER_AGENT } } : {}),
        ...(type === "bounced"
          ? { "delivery-status": { code: 550, message: "5.1.1 The mailbox does not exist" } }
          : {}),
      },
    });
    return { headers: JSON_TYPE, body };
  };
}

/**
 * Posts as Postmark makes them. https://postmarkapp.com/developer/webhooks/webhooks-overview
 *
 * @param options `basicAuth`: the user name and password that the application expects, `user:password`
 */
export function postmarkEvents(options: { readonly basicAuth?: string | undefined } = {}): WebhookFormat {
  return async ({ type, recipient, clickUrl, message, messageId, timestamp }) => {
    const time = timestamp.toISOString();
    const { tags, metadata } = message.message;
    const common = {
      MessageID: messageId,
      Tag: tags?.[0] ?? "",
      Metadata: metadata ?? {},
      MessageStream: "outbound",
    };
    const bounce = { ...common, RecordType: "Bounce", Email: recipient, BouncedAt: time };
    const events: Record<SimulatedEventType, Readonly<Record<string, unknown>>> = {
      delivered: {
        ...common,
        RecordType: "Delivery",
        Recipient: recipient,
        DeliveredAt: time,
        Details: "250 OK",
      },
      opened: {
        ...common,
        RecordType: "Open",
        Recipient: recipient,
        ReceivedAt: time,
        UserAgent: USER_AGENT,
      },
      clicked: {
        ...common,
        RecordType: "Click",
        Recipient: recipient,
        ReceivedAt: time,
        OriginalLink: clickUrl,
        UserAgent: USER_AGENT,
      },
      bounced: {
        ...bounce,
        ID: 1,
        Type: "HardBounce",
        TypeCode: 1,
        Details: "550 5.1.1 The mailbox does not exist",
      },
      complained: { ...bounce, ID: 2, RecordType: "SpamComplaint", Type: "SpamComplaint", TypeCode: 512 },
      deferred: { ...bounce, ID: 3, Type: "Transient", TypeCode: 2, Details: "421 4.2.1 Try again later" },
      unsubscribed: {
        ...common,
        RecordType: "SubscriptionChange",
        Recipient: recipient,
        ChangedAt: time,
        SuppressSending: true,
        SuppressionReason: "ManualSuppression",
      },
    };
    const { basicAuth } = options;
    const authorization = basicAuth && { authorization: `Basic ${base64(bytes(basicAuth))}` };
    return { headers: { ...JSON_TYPE, ...authorization }, body: JSON.stringify(events[type]) };
  };
}

const USER_AGENT = "Posthorn-Mailbox";

async function hmac(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes(text)));
}

function bytes(text: string, encoding: "utf-8" | "latin1" = "utf-8"): Uint8Array<ArrayBuffer> {
  return encoding === "utf-8"
    ? new TextEncoder().encode(text)
    : Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function hex(value: Uint8Array): string {
  return Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64(value: Uint8Array): string {
  return btoa(String.fromCharCode(...value));
}
