import type { Message, RecipientResults } from "./core.js";

/** An address as the mailbox keeps it. */
export interface StoredAddress {
  readonly email: string;
  /** The display name; empty when there is none. */
  readonly name: string;
}

/** An attachment as the mailbox keeps it. */
export interface StoredAttachment {
  readonly filename: string | undefined;
  /** MIME type with its parameters. */
  readonly contentType: string;
  /** Without angle brackets; only attachments that the HTML shows have one. */
  readonly contentId: string | undefined;
  readonly inline: boolean;
  /** Bytes. */
  readonly size: number;
  /** Base64. Absent in lists, and where the content is kept in a file of its own. */
  readonly content?: string | undefined;
}

/** The fields of a message in one form that JSON can hold. */
export interface StoredContent
  extends Omit<
    Message,
    "from" | "to" | "cc" | "bcc" | "replyTo" | "text" | "html" | "tags" | "attachments" | "sendAt"
  > {
  readonly from: readonly StoredAddress[];
  readonly to: readonly StoredAddress[];
  readonly cc: readonly StoredAddress[];
  readonly bcc: readonly StoredAddress[];
  readonly replyTo: readonly StoredAddress[];
  readonly text?: string | undefined;
  readonly html?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly attachments: readonly StoredAttachment[];
  /** ISO 8601. */
  readonly sendAt?: string | undefined;
}

/** An event that was posted to the application's webhook for a message. */
export interface StoredEvent {
  readonly type: SimulatedEventType;
  readonly recipient: string;
  /** ISO 8601. */
  readonly at: string;
  /** HTTP status of the response; `null` when there was none. */
  readonly status: number | null;
  /** The start of the response, or why there was none. */
  readonly response: string;
}

/** A message in the mailbox. */
export interface StoredMessage {
  readonly id: string;
  /** ISO 8601. */
  readonly receivedAt: string;
  /** How it came: by a backend or the HTTP API, or by SMTP. */
  readonly via: "api" | "smtp";
  readonly message: StoredContent;
  /** What the sender was told of each recipient. */
  readonly recipients: RecipientResults;
  /** The message as it came by SMTP, base64 (RFC 5322). */
  readonly source?: string | undefined;
  readonly read: boolean;
  /** Posted webhook events, oldest first. */
  readonly events: readonly StoredEvent[];
}

/** A message as lists show it. */
export interface MessageSummary {
  readonly id: string;
  readonly receivedAt: string;
  readonly via: "api" | "smtp";
  readonly from: readonly StoredAddress[];
  readonly to: readonly StoredAddress[];
  readonly subject: string;
  /** The start of the text. */
  readonly snippet: string;
  readonly tags: readonly string[];
  readonly attachments: number;
  readonly read: boolean;
}

/** The events that the mailbox can post. */
export const SIMULATED_EVENTS = [
  "delivered",
  "opened",
  "clicked",
  "bounced",
  "complained",
  "deferred",
  "unsubscribed",
] as const;

/** An event that the mailbox can post. */
export type SimulatedEventType = (typeof SIMULATED_EVENTS)[number];

/** Which messages are meant. All conditions must hold. */
export interface MessageQuery {
  /** An address among `to`, `cc` and `bcc`; without `@`, a part of one. */
  readonly to?: string | undefined;
  /** The subject, or a part of it by `RegExp`. */
  readonly subject?: string | RegExp | undefined;
  readonly tag?: string | undefined;
  /** Words anywhere in addresses, subject, text, tags and attachment names. */
  readonly q?: string | undefined;
}

/** The id that the sender gets, and the message's header: of the form that providers' webhooks give back. */
export function messageIdOf(id: string): string {
  return `<${id}@mailbox.localhost>`;
}

/** All recipients of a message. */
export function recipientsOf(content: StoredContent): readonly StoredAddress[] {
  return [...content.to, ...content.cc, ...content.bcc];
}

/** Whether a message fits a query. */
export function matchesQuery({ message }: StoredMessage, query: MessageQuery): boolean {
  if (query.to !== undefined) {
    const wanted = query.to.toLowerCase();
    const whole = wanted.includes("@");
    const found = recipientsOf(message).some(({ email }) =>
      whole ? email.toLowerCase() === wanted : email.toLowerCase().includes(wanted),
    );
    if (!found) return false;
  }
  if (query.tag !== undefined && !message.tags?.includes(query.tag)) return false;
  const subject = message.subject ?? "";
  if (typeof query.subject === "string" && subject !== query.subject) return false;
  // `search` does not depend on the lastIndex of a global expression.
  if (query.subject instanceof RegExp && subject.search(query.subject) < 0) return false;
  if (query.q === undefined || query.q.trim() === "") return true;
  const text = searchText(message);
  return query.q
    .toLowerCase()
    .trim()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function searchText(message: StoredContent): string {
  const addresses = [...message.from, ...recipientsOf(message)].map(({ name, email }) => `${name} ${email}`);
  const files = message.attachments.map(({ filename }) => filename ?? "");
  const parts = [...addresses, message.subject ?? "", plainText(message), ...(message.tags ?? []), ...files];
  return parts.join("\n").toLowerCase();
}

/** What a list shows of a message. */
export function summarize(stored: StoredMessage): MessageSummary {
  const { message } = stored;
  return {
    id: stored.id,
    receivedAt: stored.receivedAt,
    via: stored.via,
    from: message.from,
    to: recipientsOf(message),
    subject: message.subject ?? "",
    snippet: plainText(message).replace(/\s+/g, " ").trim().slice(0, 140),
    tags: message.tags ?? [],
    attachments: message.attachments.filter(({ inline }) => !inline).length,
    read: stored.read,
  };
}

/** The text of a message; from its HTML where it has no other. For search and lists only. */
export function plainText({ text, html }: Pick<StoredContent, "text" | "html">): string {
  if (text !== undefined && text.trim() !== "") return text;
  // A cut keeps the expressions below fast on bodies of megabytes.
  return (html ?? "")
    .slice(0, 100_000)
    .replace(/<(style|script|title)\b[^>]*>[^<]*/gi, " ")
    .replace(/<!--[^>]*>|<[^<>]*>/g, " ")
    .replace(/&nbsp;|&#160;|&zwnj;|&#847;/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&");
}
