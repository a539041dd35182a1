import { readFileSync } from "node:fs";
import { formatInboundAddress, type InboundAttachment, type InboundEvent } from "@posthorn/core/inbound";
import type { TrackingEvent } from "@posthorn/core/webhooks";

/** A recorded post and what it means. */
export interface WebhookVector {
  readonly id: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query: string;
    readonly contentType: string | null;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: { readonly $base64: string } | string | null;
  };
  readonly events?: readonly Readonly<Record<string, unknown>>[];
  readonly response?: { readonly status: number };
  readonly error?: { readonly type: string };
}

/** The vectors of a provider. */
export function webhookVectors(provider: string): readonly WebhookVector[] {
  const file = new URL(`../../vectors/webhook/${provider}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as readonly WebhookVector[];
}

/** The exact bytes of the body. */
export function bodyOf({ request: { body } }: WebhookVector): Uint8Array<ArrayBuffer> {
  if (body === null) return new Uint8Array();
  return new Uint8Array(typeof body === "string" ? Buffer.from(body) : Buffer.from(body.$base64, "base64"));
}

/** Headers as they go over the wire: the recording wrote those of bytes as Python shows bytes, `b'…'`. */
export function headersOf({ request: { headers, contentType } }: WebhookVector): Record<string, string> {
  const unwrapped = Object.entries(headers).map(([name, value]) => [name, value.replace(/^b'(.*)'$/, "$1")]);
  return { ...Object.fromEntries(unwrapped), ...(contentType ? { "content-type": contentType } : {}) };
}

/** Settings in the peer's names as webhook options: `MAILGUN_WEBHOOK_SIGNING_KEY` is `signingKey`. Keys of the other kind of webhook are left out. */
export function optionsOf(
  settings: WebhookVector["settings"] = {},
  kind: "tracking" | "inbound" = "tracking",
): Record<string, unknown> {
  const prefix =
    /^(?:AMAZON_SES|UNISENDER_GO|BREVO|MAILERSEND|MAILGUN|MAILJET|MAILTRAP|MANDRILL|POSTAL|POSTMARK|RESEND|SENDGRID|SPARKPOST)_/;
  return Object.fromEntries(
    Object.entries(settings)
      .filter(
        ([name, value]) => value !== null && name !== "AMAZON_SES_CLIENT_PARAMS" && !OF_KIND[kind].test(name),
      )
      .map(([name, value]) => [optionOf(name.replace(prefix, "")), value]),
  );
}

/** Settings that are for the other kind of webhook. */
const OF_KIND = {
  tracking: /_INBOUND_SECRET$|_INBOUND_WEBHOOK_VERIFICATION_KEY$/,
  inbound: /_SIGNING_SECRET$|_TRACKING_WEBHOOK_VERIFICATION_KEY$/,
} as const;

function optionOf(setting: string): string {
  if (setting === "WEBHOOK_SECRET") return "basicAuth";
  if (
    /^(?:(?:SIGNING|INBOUND)_SECRET|WEBHOOK_KEY|WEBHOOK_SIGNING_KEY|\w+_WEBHOOK_VERIFICATION_KEY)$/.test(
      setting,
    )
  )
    return "signingKey";
  return setting.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A tracking event in the vector's form. */
export function comparableTracking(event: TrackingEvent): Record<string, unknown> {
  return comparable({
    esp: event.provider,
    event_type: event.eventType,
    event_id: event.eventId,
    message_id: event.messageId,
    recipient: event.recipient,
    timestamp: event.timestamp?.getTime(),
    reject_reason: event.rejectReason,
    description: event.description,
    mta_response: event.mtaResponse,
    tags: event.tags,
    metadata: event.metadata,
    click_url: event.clickUrl,
    user_agent: event.userAgent,
  });
}

/** An inbound event in the vector's form. */
export async function comparableInbound(event: InboundEvent): Promise<Record<string, unknown>> {
  const { message } = event;
  const inlines = await Promise.all(
    Object.entries(message.inlines).map(async ([id, file]) => [id, await comparableFile(file)] as const),
  );
  return comparable({
    esp: event.provider,
    event_type: event.eventType,
    event_id: event.eventId,
    timestamp: event.timestamp?.getTime(),
    message: comparableMessage({
      from: message.from && formatInboundAddress(message.from),
      to: message.to.map(formatInboundAddress),
      cc: message.cc.map(formatInboundAddress),
      subject: message.subject,
      date: message.date?.getTime(),
      text: message.text,
      html: message.html,
      headers: message.headers,
      attachments: await Promise.all(message.attachments.map(comparableFile)),
      inlines: Object.fromEntries(
        inlines.map(([id, { contentType, content }]) => [id, { contentType, content }]),
      ),
      envelopeSender: message.envelopeSender,
      envelopeRecipient: message.envelopeRecipient,
      spamDetected: message.spamDetected,
      spamScore: message.spamScore,
      strippedText: message.strippedText,
      strippedHtml: message.strippedHtml,
    }),
  });
}

/** What the vector expects, in the same form. */
export function expected({
  class: _,
  message,
  ...event
}: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = message as Readonly<Record<string, unknown>> | null | undefined;
  const { tags } = event;
  return comparable({
    ...event,
    // The recording has a single tag as a text, and null for no tag in the list.
    tags: [tags ?? []].flat().filter((tag) => tag !== null),
    timestamp: typeof event["timestamp"] === "string" ? Date.parse(event["timestamp"]) : null,
    message:
      known && comparableMessage({ ...known, date: known["date"] && Date.parse(String(known["date"])) }),
  });
}

interface ComparableFile {
  readonly filename: string | null;
  readonly contentType: string;
  readonly content: { readonly $base64: string };
}

async function comparableFile(file: InboundAttachment): Promise<ComparableFile> {
  const bytes = await (await file.blob()).arrayBuffer();
  return {
    filename: file.filename,
    contentType: file.contentType,
    content: { $base64: Buffer.from(bytes).toString("base64") },
  };
}

/**
 * The peer makes a MIME message of parsed posts, so its headers tell of that message: its form, its order and white space are
 * not facts about the mail. Line ends within a text are those of the wire or of the platform.
 */
function comparableMessage(message: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const headers = (message["headers"] as readonly (readonly [string, string])[])
    .filter(
      ([name, value]) =>
        !/^(?:mime-version|content-type|date)$/i.test(name) && !(name === "Subject" && value === ""),
    )
    .map(([name, value]) => [name.toLowerCase(), value.replace(/["\s]+/g, "")].join(":"))
    .sort();
  const text = (value: unknown) =>
    typeof value === "string" ? value.replace(/\r\n/g, "\n").replace(/\n$/, "") || null : null;
  return comparable({ ...message, headers, text: text(message["text"]), html: text(message["html"]) });
}

/** Without what is empty: absent, `null` and empty say the same. */
function comparable(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** An event without fields that are not to be compared, given as paths. */
export function without(
  event: Readonly<Record<string, unknown>>,
  paths: readonly string[],
): Readonly<Record<string, unknown>> {
  const kept = Object.entries(event).flatMap(([name, value]) => {
    if (paths.includes(name)) return [];
    const inner = paths
      .filter((path) => path.startsWith(`${name}.`))
      .map((path) => path.slice(name.length + 1));
    if (inner.length === 0 || typeof value !== "object" || value === null) return [[name, value]];
    return [[name, without(value as Readonly<Record<string, unknown>>, inner)]];
  });
  return Object.fromEntries(kept);
}
