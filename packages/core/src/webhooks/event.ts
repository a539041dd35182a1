import { ConfigurationError } from "../errors.js";
import type { MessageId } from "../result.js";

/**
 * What happened to a mail, in one vocabulary for all providers.
 *
 * - `queued`: the provider has it; `sent`: handed to the receiving server or on its way.
 * - `rejected`: the provider never handed it to the receiving server (suppressed, blocked, not valid).
 * - `failed`: the provider could not make or send it. `bounced`: the receiving server refused it, and it is not tried again.
 * - `deferred`: delivery is tried again later. `delivered`: the receiving server took it.
 * - `autoresponded`: an automatic answer came back.
 * - `opened`, `clicked`, `complained`, `unsubscribed`, `subscribed`: what the recipient did.
 * - `unknown`: something else, told by `raw`.
 */
export type TrackingEventType =
  | "queued"
  | "sent"
  | "rejected"
  | "failed"
  | "bounced"
  | "deferred"
  | "delivered"
  | "autoresponded"
  | "opened"
  | "clicked"
  | "complained"
  | "unsubscribed"
  | "subscribed"
  | "unknown";

/** Why a mail was refused; `timed_out` after tries that all were deferred. */
export type RejectReason =
  | "invalid"
  | "bounced"
  | "timed_out"
  | "blocked"
  | "spam"
  | "unsubscribed"
  | "other";

/** One thing that happened to one message to one recipient. Told apart by `eventType`. */
export type TrackingEvent = BouncedEvent | OtherTrackingEvent;

/** The receiving server refused the message. */
export interface BouncedEvent extends TrackingDetails {
  readonly eventType: "bounced";
  /** Whether the address will never take messages; `null` where the provider does not say. */
  readonly permanent: boolean | null;
}

/** Every event but a bounce. */
export interface OtherTrackingEvent extends TrackingDetails {
  readonly eventType: Exclude<TrackingEventType, "bounced">;
}

/** What every tracking event has. */
export interface TrackingDetails {
  /** Display name of the provider, such as `"Mailgun"`. */
  readonly provider: string;
  /**
   * The provider's id of the event, the same when it is posted again; `null` where it gives none. Never the id of what the
   * event is about.
   */
  readonly eventId: string | number | null;
  /** The id that sending gave for the mail. */
  readonly messageId: MessageId | null;
  /** The address concerned, as the provider writes it. */
  readonly recipient: string | null;
  readonly timestamp: Date | null;
  /** Why, for `rejected`, `bounced`, `deferred`, `complained` (`spam`) and `unsubscribed` (`unsubscribed`). */
  readonly rejectReason: RejectReason | null;
  /**
   * For `bounced`: whether the address fails for good (`true`: send nothing more to it) or only this time (`false`: its mailbox
   * is full, or the message was refused for its content or size). `null` where the provider does not tell, and for all other
   * types.
   */
  readonly permanent: boolean | null;
  /** The provider's words for what happened. */
  readonly description: string | null;
  /** The answer of the receiving server. */
  readonly mtaResponse: string | null;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The link, for `clicked`. */
  readonly clickUrl: string | null;
  /** Browser or mail program, for `opened` and `clicked`. */
  readonly userAgent: string | null;
  /** The event as the provider posted it. */
  readonly raw: unknown;
}

/** What a provider's reader knows of an event; the rest is `null` or empty. */
export interface TrackingFields extends Partial<Omit<TrackingDetails, "provider" | "raw">> {
  readonly eventType?: TrackingEventType;
  /** For bounces: whether the address will never take messages. */
  readonly permanent?: boolean | null;
}

/** What a code of a provider means: the type, why, and for `bounced` whether for good. */
export type EventMeaning = readonly [
  eventType: TrackingEventType,
  rejectReason?: RejectReason | null | undefined,
  permanent?: boolean | null | undefined,
];

/** Meanings by the provider's code. */
export type EventMeanings = Readonly<Record<string, EventMeaning>>;

/** The members of an event that the meaning of its code gives; those of `unknown` where the code is not known. */
export function meaningFields(
  meaning: EventMeaning = ["unknown"],
): Required<Pick<TrackingFields, "eventType" | "rejectReason" | "permanent">> {
  const [eventType, rejectReason = null, permanent = null] = meaning;
  return { eventType, rejectReason, permanent };
}

/**
 * The error of a post at the wrong webhook. It is answered 500, so that the provider keeps the post until its URL is put right.
 *
 * @param kind what was posted
 */
export function misdirected(provider: string, kind: "message" | "event", what?: string): ConfigurationError {
  const named = what ? ` ("${what}")` : "";
  const told =
    kind === "message"
      ? `this is a received message${named}; point it at the inbound webhook`
      : `this is a tracking event${named}; point it at the tracking webhook`;
  return new ConfigurationError(`${provider}: ${told}`, { provider });
}

/** A whole event out of what is known of it. */
export function trackingEvent(provider: string, raw: unknown, fields: TrackingFields): TrackingEvent {
  const { eventType = "unknown", permanent = null } = fields;
  const details: TrackingDetails = {
    provider,
    eventId: fields.eventId ?? null,
    messageId: fields.messageId ?? null,
    recipient: fields.recipient ?? null,
    timestamp: fields.timestamp ?? null,
    rejectReason: fields.rejectReason ?? null,
    permanent: fields.eventType === "bounced" ? (fields.permanent ?? null) : null,
    description: fields.description ?? null,
    mtaResponse: fields.mtaResponse ?? null,
    tags: fields.tags ?? [],
    metadata: fields.metadata ?? {},
    clickUrl: fields.clickUrl ?? null,
    userAgent: fields.userAgent ?? null,
    raw,
  };
  return eventType === "bounced" ? { ...details, eventType, permanent } : { ...details, eventType };
}

/**
 * Reads each entry of a post. One that cannot be read becomes an `unknown` event with the entry as `raw`, so that it
 * neither loses the others nor is lost itself.
 */
export function readEach(
  provider: string,
  entries: readonly unknown[],
  read: (entry: unknown) => readonly TrackingFields[],
): readonly TrackingEvent[] {
  return entries.flatMap((raw) => {
    try {
      return read(raw).map((fields) => trackingEvent(provider, raw, fields));
    } catch (error) {
      return [trackingEvent(provider, raw, { description: `cannot be read: ${(error as Error).message}` })];
    }
  });
}
