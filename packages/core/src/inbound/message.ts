import { WebhookRequestError } from "../errors.js";
import { dateOf } from "../webhooks/values.js";
import { type InboundAddress, parseInboundAddresses } from "./address.js";
import { decodeHeader, oneLine } from "./words.js";

/** A file in a mail that came in. Its bytes are made, or fetched from the provider, when asked for. */
export interface InboundAttachment {
  /** Without folders, line breaks and control characters; `null` where nothing is left, as of `..`. */
  readonly filename: string | null;
  /** Media type, such as `image/png`. */
  readonly contentType: string;
  /** Without its angle brackets. */
  readonly contentId: string | null;
  /** Whether the HTML shows it: refers to its Content-ID by `cid:`. */
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
  /** Every file that the HTML does not refer to, and of two with one Content-ID the second. */
  readonly attachments: readonly InboundAttachment[];
  /** Files that the HTML refers to by `cid:`, by their Content-ID. */
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

/** The parts of a message. */
export interface InboundParts extends InboundDetails {
  /** Headers as they came: encoded words are decoded here, after addresses are parsed. */
  readonly headers: InboundHeaders;
  /** Addresses that the provider tells apart by itself, instead of those of the headers. */
  readonly from?: InboundAddress | null | undefined;
  readonly to?: readonly InboundAddress[] | undefined;
  readonly cc?: readonly InboundAddress[] | undefined;
  readonly replyTo?: readonly InboundAddress[] | undefined;
  readonly text?: string | null | undefined;
  readonly html?: string | null | undefined;
  readonly attachments?: readonly InboundAttachment[] | undefined;
  readonly mime?: Blob | null | undefined;
}

/** A message out of its parts. Addresses, subject and date are read from the headers. */
export function inboundMessage(parts: InboundParts): InboundMessage {
  const raw = new Map<string, string[]>();
  for (const [name, value] of parts.headers) {
    const key = name.toLowerCase();
    const values = raw.get(key);
    if (values) values.push(value);
    else raw.set(key, [value]);
  }
  const headers = parts.headers.map(([name, value]) => [name, decodeHeader(value)] as const);
  const first = new Map(headers.toReversed().map(([name, value]) => [name.toLowerCase(), value]));
  const header = (name: string): string | null => first.get(name.toLowerCase()) ?? null;
  const all = (name: string): readonly InboundAddress[] =>
    (raw.get(name) ?? []).flatMap(parseInboundAddresses);
  const { attachments, inlines } = sortFiles(parts);
  return {
    from: parts.from ?? all("from")[0] ?? null,
    to: parts.to ?? all("to"),
    cc: parts.cc ?? all("cc"),
    replyTo: parts.replyTo ?? all("reply-to"),
    subject: header("subject"),
    date: dateOf(header("date")),
    text: parts.text ?? null,
    html: parts.html ?? null,
    headers,
    header,
    attachments,
    inlines,
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

/**
 * Tells files that the HTML shows from all others. A Content-ID alone says nothing: mail programs give one to every file.
 * The provider's word for what is inline counts only where it posts no text that could show a file.
 */
function sortFiles({
  attachments: files = [],
  text,
  html,
}: InboundParts): Pick<InboundMessage, "attachments" | "inlines"> {
  const hasIds = files.some(({ contentId }) => contentId !== null);
  const shown = hasIds ? referencesOf(html ?? "") : new Set<string>();
  const hasNoText = !text && !html;
  const attachments: InboundAttachment[] = [];
  const inlines = new Map<string, InboundAttachment>();
  for (const file of files) {
    const id = file.contentId;
    const isShown =
      id !== null && (shown.has(id) || shown.has(id.toLowerCase()) || (hasNoText && file.inline));
    if (isShown && !inlines.has(id)) inlines.set(id, { ...file, inline: true });
    else attachments.push({ ...file, inline: false });
  }
  return { attachments, inlines: Object.fromEntries(inlines) };
}

/** Content-IDs that HTML refers to (RFC 2392), as they stand and in lower case. */
function referencesOf(html: string): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const [, reference = ""] of html.matchAll(/\bcid:([^\s"'<>)]+)/gi)) {
    const plain = reference.replace(/&(?:amp|#38);/gi, "&").replace(/&#(?:64|x40);/gi, "@");
    for (const id of [plain, percentless(plain)]) ids.add(id).add(id.toLowerCase());
  }
  return ids;
}

function percentless(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The error of a post that holds no message. It is answered 500, after which every provider keeps what it has: some throw it away
 * after 4xx, and all after 200.
 */
export function noMessage(provider: string): WebhookRequestError {
  return new WebhookRequestError(`${provider}: the post holds no message`, { status: 500, provider });
}

/**
 * An event out of its message.
 *
 * @throws WebhookRequestError (500) for a message with nothing in it: the post did not hold one, and a provider that is
 * answered 200 would throw it away
 */
export function inboundEvent(
  provider: string,
  raw: unknown,
  message: InboundMessage,
  fields: { readonly eventId?: string | number | null; readonly timestamp?: Date | null } = {},
): InboundEvent {
  const { headers, text, html, attachments, inlines, mime } = message;
  const isEmpty =
    !headers.some(([, value]) => value !== "") && !text && !html && attachments.length === 0 && !mime?.size;
  if (isEmpty && Object.keys(inlines).length === 0) {
    throw noMessage(provider);
  }
  return {
    provider,
    eventType: "inbound",
    eventId: fields.eventId ?? null,
    timestamp: fields.timestamp ?? null,
    message,
    raw,
  };
}

type FileBytes = Uint8Array | ArrayBuffer | string;

/** A file whose bytes are made when asked for. */
export function inboundAttachment(
  file: Partial<Omit<InboundAttachment, "blob">>,
  bytes: () => FileBytes | Promise<FileBytes>,
): InboundAttachment {
  const contentType = file.contentType?.split(";")[0]?.trim().toLowerCase() || "application/octet-stream";
  return {
    filename: safeFilename(file.filename),
    contentType,
    contentId: file.contentId?.trim().replace(/^<|>$/g, "") || null,
    inline: file.inline ?? false,
    blob: async () => new Blob([(await bytes()) as BlobPart], { type: contentType }),
  };
}

/**
 * A file name that may be written to a folder, its encoded words decoded. A name may come as a whole path; where to put
 * the file is not the sender's to say.
 */
export function safeFilename(name: string | null | undefined): string | null {
  const last =
    oneLine(decodeHeader(name ?? ""))
      .split(/[\\/]/)
      .at(-1) ?? "";
  // Control characters, and those that turn the direction of writing, which make `gpj.exe` look like `exe.jpg`.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const visible = last.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
  const bare = visible.replace(/^[a-z]:/i, "").trim();
  return /^\.*$/.test(bare) ? null : bare;
}

/** `<a@b>` and `a@b` alike as `a@b`. */
function bareAddress(value: string | null | undefined): string | null {
  return value?.trim().replace(/^<(.*)>$/, "$1") || null;
}

function verdict(value: string | null | undefined): string | null {
  return value?.trim().toLowerCase() || null;
}
