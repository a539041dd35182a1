import { addressParser } from "postal-mime";
import { dateOf } from "../webhooks/values.js";
import { decodeHeader } from "./charset.js";

/** An address of a mail that came in, as it stands there: it need not be a valid one. */
export interface InboundAddress {
  readonly name: string;
  readonly email: string;
}

/** A file in a mail that came in. Its bytes are made, or fetched from the provider, when asked for. */
export interface InboundAttachment {
  readonly filename: string | null;
  /** Media type, such as `image/png`. */
  readonly contentType: string;
  /** Without its angle brackets. */
  readonly contentId: string | null;
  /** Whether the mail shows it within its text. */
  readonly inline: boolean;
  /** @throws PosthornError where they are fetched from the provider and that fails */
  blob(): Promise<Blob>;
}

/** What the receiving provider found of the sender's authentication: `pass`, `fail`, `none` and the like. */
export interface InboundAuthentication {
  readonly spf: string | null;
  readonly dkim: string | null;
  readonly dmarc: string | null;
}

/** Headers in order, repeated ones too. */
export type InboundHeaders = readonly (readonly [name: string, value: string])[];

/** A mail that came in. */
export interface InboundMessage {
  readonly from: InboundAddress | null;
  readonly to: readonly InboundAddress[];
  readonly cc: readonly InboundAddress[];
  readonly replyTo: readonly InboundAddress[];
  readonly subject: string | null;
  readonly date: Date | null;
  readonly text: string | null;
  readonly html: string | null;
  /** Every header in order, repeated ones too, encoded words decoded. */
  readonly headers: InboundHeaders;
  /** The first header of a name, whatever its case. */
  header(name: string): string | null;
  readonly attachments: readonly InboundAttachment[];
  /** Files that the HTML shows, by their content id. */
  readonly inlines: Readonly<Record<string, InboundAttachment>>;
  /** The address that the mail was sent from by SMTP. */
  readonly envelopeSender: string | null;
  /** The address that the mail was sent to by SMTP. */
  readonly envelopeRecipient: string | null;
  /** Whether the provider calls it spam. */
  readonly spamDetected: boolean | null;
  readonly spamScore: number | null;
  /** The text without what it quotes and without signature, where the provider finds that out. */
  readonly strippedText: string | null;
  readonly strippedHtml: string | null;
  readonly authentication: InboundAuthentication;
  /** The mail as it came (RFC 5322), where the provider gives it. */
  readonly mime: Blob | null;
}

/** A mail that the provider received for you. */
export interface InboundEvent {
  /** Display name of the provider. */
  readonly provider: string;
  readonly eventType: "inbound";
  /** The provider's id of the event, the same when it is posted again; `null` where it gives none. */
  readonly eventId: string | number | null;
  readonly timestamp: Date | null;
  readonly message: InboundMessage;
  /** The post as it came, parsed; without the mail where that is large. */
  readonly raw: unknown;
}

/** What a provider tells of a mail beside the mail itself. */
export interface InboundDetails {
  readonly envelopeSender?: string | null | undefined;
  readonly envelopeRecipient?: string | null | undefined;
  readonly spamDetected?: boolean | null | undefined;
  readonly spamScore?: number | null | undefined;
  readonly strippedText?: string | null | undefined;
  readonly strippedHtml?: string | null | undefined;
  readonly authentication?: Partial<InboundAuthentication> | undefined;
}

/** The parts of a mail. */
export interface InboundParts extends InboundDetails {
  readonly headers: InboundHeaders;
  readonly text?: string | null | undefined;
  readonly html?: string | null | undefined;
  readonly attachments?: readonly InboundAttachment[] | undefined;
  readonly mime?: Blob | null | undefined;
}

/** A mail out of its parts. Addresses, subject and date are read from the headers. */
export function inboundMessage(parts: InboundParts): InboundMessage {
  const { headers } = parts;
  const header = (name: string): string | null =>
    headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? null;
  const all = (name: string): readonly InboundAddress[] =>
    headers
      .filter(([key]) => key.toLowerCase() === name)
      .flatMap(([, value]) => parseInboundAddresses(value));
  const files = parts.attachments ?? [];
  const inlines = files.filter(({ inline, contentId }) => inline && contentId !== null);
  return {
    from: all("from")[0] ?? null,
    to: all("to"),
    cc: all("cc"),
    replyTo: all("reply-to"),
    subject: header("subject"),
    date: dateOf(header("date")),
    text: parts.text ?? null,
    html: parts.html ?? null,
    headers,
    header,
    attachments: files.filter((file) => !inlines.includes(file)),
    inlines: Object.fromEntries(inlines.map((file) => [file.contentId, file])),
    envelopeSender: bareAddress(parts.envelopeSender),
    envelopeRecipient: bareAddress(parts.envelopeRecipient),
    spamDetected: parts.spamDetected ?? null,
    spamScore: parts.spamScore ?? null,
    strippedText: parts.strippedText ?? null,
    strippedHtml: parts.strippedHtml ?? null,
    authentication: {
      spf: verdict(parts.authentication?.spf),
      dkim: verdict(parts.authentication?.dkim),
      dmarc: verdict(parts.authentication?.dmarc),
    },
    mime: parts.mime ?? null,
  };
}

/** An event out of its mail. */
export function inboundEvent(
  provider: string,
  raw: unknown,
  message: InboundMessage,
  fields: { readonly eventId?: string | number | null; readonly timestamp?: Date | null } = {},
): InboundEvent {
  return {
    provider,
    eventType: "inbound",
    eventId: fields.eventId ?? null,
    timestamp: fields.timestamp ?? null,
    message,
    raw,
  };
}

/** Addresses of a header value, groups taken apart. What is none is left out: incoming mail holds anything. */
export function parseInboundAddresses(value: string): readonly InboundAddress[] {
  return addressParser(value, { flatten: true }).flatMap(({ name, address }) =>
    address ? [{ name: decodeHeader(name), email: address }] : [],
  );
}

/** An address as a header value, its name in quotes where it needs them. */
export function formatInboundAddress({ name, email }: InboundAddress): string {
  if (name === "") return email;
  return `${/[^\w\s.!#$%&'*+\-/=?^`{|}~\u0080-\uffff]|[.]/.test(name) ? `"${name.replace(/(["\\])/g, "\\$1")}"` : name} <${email}>`;
}

type FileBytes = Uint8Array | ArrayBuffer | string;

/** A file whose bytes are made when asked for. */
export function inboundAttachment(
  file: Partial<Omit<InboundAttachment, "blob">>,
  bytes: () => FileBytes | Promise<FileBytes>,
): InboundAttachment {
  const contentType = file.contentType?.split(";")[0]?.trim().toLowerCase() || "application/octet-stream";
  return {
    // A name may come as a whole path; where to put the file is not the sender's to say.
    filename: file.filename?.split(/[\\/]/).at(-1) || null,
    contentType,
    contentId: file.contentId?.replace(/^<|>$/g, "") ?? null,
    inline: file.inline ?? false,
    blob: async () => new Blob([(await bytes()) as BlobPart], { type: contentType }),
  };
}

/** `<a@b>` and `a@b` alike as `a@b`. */
function bareAddress(value: string | null | undefined): string | null {
  return value?.trim().replace(/^<(.*)>$/, "$1") || null;
}

function verdict(value: string | null | undefined): string | null {
  return value?.trim().toLowerCase() || null;
}
