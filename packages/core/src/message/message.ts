import type { AddressInput } from "./address.js";
import type { AttachmentInput } from "./attachment.js";

/** Values of template variables for one recipient, or for all. Anything JSON can hold. */
export type MergeValues = object;

/**
 * Headers by name, as an object, a `Headers`, a `Map` or a list of pairs. Numbers are written as strings where the provider takes
 * only strings.
 */
export type HeaderValues =
  | Readonly<Record<string, string | number>>
  | Iterable<readonly [name: string, value: string | number]>;

/** One value or a list of them. */
export type OneOrMany<T> = T | readonly T[];

/** A body, or a promise of it, as template engines return: it is awaited once, before anything is sent. */
export type BodyInput = string | PromiseLike<string>;

/** Another body of the message, such as a calendar invitation. */
export interface Alternative {
  readonly content: string;
  /** MIME type, such as `text/calendar`. */
  readonly contentType: string;
}

/**
 * A message. Plain data: apart from attachments given as bytes, blobs or streams (see `serializeMessage`), it can be
 * written as JSON and read back the same.
 */
export interface Message {
  /**
   * The author (RFC 5322 From). Text may hold several addresses with commas between; few providers take that. A template
   * that has its own sender does without, where the provider has `templateSender`.
   */
  readonly from?: OneOrMany<AddressInput> | undefined;
  /**
   * Primary recipients, one entry each. An address counts once over `to`, `cc` and `bcc`, whatever its case. Empty (`[]`) for a
   * message with `cc` or `bcc` alone.
   */
  readonly to: OneOrMany<AddressInput>;
  readonly cc?: OneOrMany<AddressInput> | undefined;
  readonly bcc?: OneOrMany<AddressInput> | undefined;
  readonly replyTo?: OneOrMany<AddressInput> | undefined;
  readonly subject?: string | undefined;
  /** The plain text body. Empty counts as absent where there is another body. */
  readonly text?: BodyInput | undefined;
  /** The HTML body. Empty counts as absent where there is another body. */
  readonly html?: BodyInput | undefined;
  /** The AMP for Email body (`text/x-amp-html`). */
  readonly amp?: string | undefined;
  /** Further bodies. One of type `text/html` or `text/x-amp-html` counts as `html` or `amp`. */
  readonly alternatives?: readonly Alternative[] | undefined;
  /** Extra headers. `Reply-To` here counts as `replyTo`. */
  readonly headers?: HeaderValues | undefined;
  readonly attachments?: readonly AttachmentInput[] | undefined;
  /** The envelope sender (SMTP MAIL FROM), where bounces go. */
  readonly envelopeSender?: AddressInput | undefined;
  /** Data kept with the message and given back in webhooks. */
  readonly metadata?: MergeValues | undefined;
  /**
   * When to send: a `Date`, ISO 8601 text (without an offset it is UTC), an HTTP date, or seconds since the epoch.
   */
  readonly sendAt?: Date | string | number | undefined;
  /** Labels for the provider's statistics. Those that differ in case alone count once. */
  readonly tags?: OneOrMany<string> | undefined;
  readonly trackClicks?: boolean | undefined;
  readonly trackOpens?: boolean | undefined;
  /** A template stored at the provider. */
  readonly templateId?: string | number | undefined;
  /**
   * Template variables by recipient address, which must be one of `to` (case does not count). Makes a batch: one message for each
   * `to` recipient.
   */
  readonly mergeData?: Readonly<Record<string, MergeValues>> | undefined;
  /** Template variables for all recipients. */
  readonly mergeGlobalData?: MergeValues | undefined;
  /** Extra headers by recipient address. Makes a batch. */
  readonly mergeHeaders?: Readonly<Record<string, HeaderValues>> | undefined;
  /** Metadata by recipient address. Makes a batch. */
  readonly mergeMetadata?: Readonly<Record<string, MergeValues>> | undefined;
  /** Options of the provider's own API, as each provider's page describes; they win over what Posthorn makes. */
  readonly espExtra?: Readonly<Record<string, unknown>> | undefined;
  /** Makes a second send of the same message a repeat, at providers that take such a key. Made when absent. */
  readonly idempotencyKey?: string | undefined;
}

/** The names of all fields of a {@link Message}. */
export const MESSAGE_FIELDS = [
  "from",
  "to",
  "cc",
  "bcc",
  "replyTo",
  "subject",
  "text",
  "html",
  "amp",
  "alternatives",
  "headers",
  "attachments",
  "envelopeSender",
  "metadata",
  "sendAt",
  "tags",
  "trackClicks",
  "trackOpens",
  "templateId",
  "mergeData",
  "mergeGlobalData",
  "mergeHeaders",
  "mergeMetadata",
  "espExtra",
  "idempotencyKey",
] as const satisfies readonly (keyof Message)[];

/** The name of a field of a {@link Message}. */
export type MessageField = (typeof MESSAGE_FIELDS)[number];
