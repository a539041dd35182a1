import {
  type Features,
  InvalidMessageError,
  type Message,
  type MessageField,
  UnsupportedFeatureError,
} from "@posthorn/core";
import { MESSAGE_FIELDS } from "@posthorn/core/provider";
import type { ContentNode, MimeNode, NodemailerMessage, ParsedAddress } from "./mail.js";

/** What a conversion depends on beside the message. */
export interface ConversionOptions {
  readonly provider: string;
  readonly features: Features;
  /** Whether contents may be fetched from URLs. */
  readonly allowUrls: boolean;
  readonly warn: (line: string) => void;
}

/** Options of `sendMail` that only a transport of SMTP can obey. */
const SMTP_ONLY = ["raw", "watchHtml", "dkim", "dsn", "auth", "requireTLSExtensionEnabled", "ses"];

/** Fields of Posthorn's messages that Nodemailer has no option for. */
const OURS: readonly MessageField[] = MESSAGE_FIELDS.filter(
  (field) =>
    ![
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
    ].includes(field),
);

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a message of Nodemailer: its contents are loaded, its groups opened, its headers flattened.
 *
 * @throws InvalidMessageError, UnsupportedFeatureError naming the option that cannot be obeyed
 */
export async function toMessage(mail: NodemailerMessage, options: ConversionOptions): Promise<Message> {
  const given = { ...mail.data } as Fields;
  const node = mail.message as MimeNode;
  refuseForeign(given, options.provider);
  checkAccess(given, options);
  // normalize() puts the loaded contents into the caller's own lists.
  for (const list of ["attachments", "alternatives"])
    if (Array.isArray(given[list])) mail.data[list] = [...(given[list] as unknown[])];
  const data = await normalized(mail);
  const addresses = node.getAddresses();
  const from = list(addresses["from"]);
  const calendar = event(data["icalEvent"], options);
  const message: Record<string, unknown> = {
    from: from.length > 1 ? from.map(({ email }) => email).join(", ") : from[0],
    to: list(addresses["to"]),
    cc: list(addresses["cc"]),
    bcc: list(addresses["bcc"]),
    replyTo: list(addresses["reply-to"]),
    subject: data["subject"],
    text: body(data["text"], "text"),
    html: body(data["html"], "html"),
    amp: body(data["amp"], "amp"),
    alternatives: [...nodes(data["alternatives"]).map(alternative), ...calendar.alternatives],
    attachments: [...nodes(data["attachments"]).map(attachment), ...calendar.attachments],
    headers: headers(given, data, node, addresses),
    envelopeSender: envelopeSender(given, node),
    ...extension(given["posthorn"]),
  };
  return Object.fromEntries(
    Object.entries(message).filter(([, value]) => !isEmpty(value)),
  ) as unknown as Message;
}

/** @throws UnsupportedFeatureError, InvalidMessageError for options that would be lost without a word */
function refuseForeign(given: Fields, provider: string): void {
  for (const field of SMTP_ONLY) {
    if (given[field] === undefined || given[field] === null || given[field] === false) continue;
    throw new UnsupportedFeatureError(
      `Option "${field}" of sendMail belongs to SMTP: ${provider} cannot obey it`,
      {
        provider,
        field,
      },
    );
  }
  for (const field of OURS) {
    if (given[field] === undefined) continue;
    throw invalid(field, `is not an option of sendMail: write posthorn: { ${field}: … }`);
  }
}

/** Nodemailer before 7 loads files and URLs here whatever `disableFileAccess` and `disableUrlAccess` say. */
function checkAccess(given: Fields, { allowUrls }: ConversionOptions): void {
  const contents: [string, unknown][] = [
    ...["text", "html", "amp", "icalEvent"].map((field): [string, unknown] => [field, given[field]]),
    ...nodes(given["attachments"]).map((entry, index): [string, unknown] => [`attachments[${index}]`, entry]),
    ...nodes(given["alternatives"]).map((entry, index): [string, unknown] => [
      `alternatives[${index}]`,
      entry,
    ]),
  ];
  for (const [field, content] of contents) {
    if (typeof content !== "object" || content === null) continue;
    for (const key of ["path", "href"] as const) {
      const where: unknown = (content as ContentNode)[key];
      if (typeof where !== "string" || /^data:/i.test(where)) continue;
      if (key === "href" || /^https?:/i.test(where)) {
        if (!allowUrls || given["disableUrlAccess"])
          throw invalid(
            `${field}.${key}`,
            "is a URL: pass allowUrls: true to posthornTransport to have it fetched",
          );
      } else if (given["disableFileAccess"])
        throw invalid(`${field}.${key}`, "is a file: disableFileAccess is set");
    }
    if ((content as ContentNode).raw !== undefined)
      throw invalid(`${field}.raw`, "belongs to SMTP: give the content itself");
  }
}

function normalized(mail: NodemailerMessage): Promise<Fields> {
  return new Promise((resolve, reject) => {
    mail.normalize((error: unknown, data?: unknown) => {
      if (!error) return resolve((data ?? {}) as Fields);
      const why = error instanceof Error ? error.message : String(error);
      reject(new InvalidMessageError(`The message cannot be read: ${why}`, { cause: error }));
    });
  });
}

function list(addresses: readonly ParsedAddress[] | undefined): { name: string; email: string }[] {
  return (addresses ?? [])
    .filter(({ address }) => Boolean(address))
    .map(({ name, address }) => ({ name: name ?? "", email: address ?? "" }));
}

function nodes(value: unknown): readonly ContentNode[] {
  return (Array.isArray(value) ? value : value ? [value] : []).filter(
    (entry): entry is ContentNode => typeof entry === "object" && entry !== null,
  );
}

function body(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null || value === false || value === "") return undefined;
  if (typeof value === "string") return value;
  return decoded(value as ContentNode, field);
}

/** The content of a node as a string. */
function decoded(node: ContentNode, field: string): string {
  const { content, encoding } = node;
  if (content instanceof Uint8Array) return Buffer.from(content).toString();
  if (typeof content !== "string") throw invalid(field, "has no content");
  return isEncoded(encoding) ? Buffer.from(content, encoding).toString() : content;
}

function isEncoded(encoding: unknown): encoding is BufferEncoding {
  return (
    typeof encoding === "string" &&
    !/^(?:utf-?8|ascii|us-?ascii)$/i.test(encoding) &&
    Buffer.isEncoding(encoding)
  );
}

function alternative(node: ContentNode, index: number): { content: string; contentType: string } {
  const field = `alternatives[${index}]`;
  if (node.headers !== undefined) throw invalid(`${field}.headers`, "belongs to SMTP");
  const contentType = typeof node.contentType === "string" ? node.contentType : "text/plain";
  return { content: decoded(node, field), contentType };
}

function attachment(node: ContentNode, index: number): Record<string, unknown> {
  const field = `attachments[${index}]`;
  if (node.headers !== undefined) throw invalid(`${field}.headers`, "belongs to SMTP");
  const { content, encoding, filename, contentType, cid, contentDisposition } = node;
  const bytes =
    content instanceof Uint8Array
      ? content
      : Buffer.from(typeof content === "string" ? content : "", isEncoded(encoding) ? encoding : "utf8");
  return {
    filename: typeof filename === "string" ? filename : undefined,
    content: bytes,
    contentType,
    contentId: cid,
    disposition: contentDisposition === "attachment" && cid === undefined ? "attachment" : undefined,
    ...(contentDisposition === "inline" ? { disposition: "inline" } : {}),
  };
}

/** A calendar event: an alternative body (RFC 6047 section 2.4), or a file where the provider has none. */
function event(
  value: unknown,
  { provider, features, warn }: ConversionOptions,
): { readonly alternatives: unknown[]; readonly attachments: unknown[] } {
  if (!value) return { alternatives: [], attachments: [] };
  const node = (typeof value === "object" ? value : { content: value }) as ContentNode;
  const content = decoded(node, "icalEvent");
  const method = (typeof node.method === "string" ? node.method : "PUBLISH").trim().toUpperCase();
  if (!/^[A-Z-]+$/.test(method)) throw invalid("icalEvent.method", "is no method of a calendar");
  const contentType = `text/calendar; method=${method}`;
  if (features.alternatives) return { alternatives: [{ content, contentType }], attachments: [] };
  warn(`${provider} has no alternative bodies: the option "icalEvent" is sent as an attached file`);
  const filename = typeof node.filename === "string" ? node.filename : "invite.ics";
  return { alternatives: [], attachments: [{ filename, content, contentType }] };
}

/** Headers that hold a list, so that repeated ones may be joined (RFC 5322 section 3.6.5, RFC 2369 section 2). */
const COMMA_LISTS = /^(?:list-(?!id$).*|keywords)$/i;
/** Headers that hold message ids, with spaces between (RFC 5322 section 3.6.4). */
const ID_LISTS = /^(?:references|in-reply-to)$/i;

function headers(
  given: Fields,
  data: Fields,
  node: MimeNode,
  addresses: Readonly<Record<string, readonly ParsedAddress[] | undefined>>,
): Record<string, string> {
  const found: Record<string, string> = {};
  const set = (name: string, value: string): void => {
    for (const key of Object.keys(found)) if (key.toLowerCase() === name.toLowerCase()) delete found[key];
    found[name] = value;
  };
  for (const [name, values] of ownHeaders(given["headers"])) {
    const texts = values.map((value) => headerText(name, value)).filter((text) => text !== "");
    if (texts.length === 0) continue;
    if (texts.length > 1 && !COMMA_LISTS.test(name) && !ID_LISTS.test(name))
      throw invalid(`headers.${name}`, "has several values, and must have one");
    set(name, texts.join(ID_LISTS.test(name) ? " " : ", "));
  }
  const flat = (data["normalizedHeaders"] ?? {}) as Fields;
  if (typeof given["list"] === "object" && given["list"] !== null) {
    for (const [name, value] of Object.entries(flat)) {
      // Nodemailer writes those of the option in lower case.
      if (/^list-/.test(name) && typeof value === "string") set(title(name), unfold(value));
    }
  }
  for (const [option, name] of [
    ["references", "References"],
    ["inReplyTo", "In-Reply-To"],
  ] as const) {
    const value = flat[name.toLowerCase()];
    if (given[option] && typeof value === "string") set(name, unfold(value));
  }
  const [sender] = list(addresses["sender"]);
  const [from] = list(addresses["from"]);
  if (given["sender"] && sender && sender.email !== from?.email) set("Sender", sender.email);
  for (const [name, value] of PRIORITIES[String(given["priority"]).toLowerCase()] ?? []) set(name, value);
  if (typeof given["xMailer"] === "string" && given["xMailer"] !== "") set("X-Mailer", given["xMailer"]);
  const otp = given["otp"] ? node.getHeader("OTP-Token") : undefined;
  if (typeof otp === "string") set("OTP-Token", otp);
  // Nodemailer makes both for every message; a provider makes its own unless the caller wants these.
  if (typeof given["messageId"] === "string" && given["messageId"] !== "")
    set("Message-ID", `<${given["messageId"].replace(/[<>\s]/g, "")}>`);
  const { date } = given;
  if (date instanceof Date) set("Date", date.toUTCString().replace("GMT", "+0000"));
  else if (typeof date === "string" && date !== "") set("Date", date);
  return found;
}

const PRIORITIES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  high: [
    ["X-Priority", "1 (Highest)"],
    ["X-MSMail-Priority", "High"],
    ["Importance", "High"],
  ],
  low: [
    ["X-Priority", "5 (Lowest)"],
    ["X-MSMail-Priority", "Low"],
    ["Importance", "Low"],
  ],
};

/** Both forms of the option `headers`: an object of values, and a list of `{ key, value }`. */
function ownHeaders(value: unknown): readonly (readonly [string, readonly unknown[]])[] {
  if (typeof value !== "object" || value === null) return [];
  const entries = Array.isArray(value)
    ? (value as readonly { key?: unknown; value?: unknown }[]).map(
        (entry) => [String(entry?.key), entry?.value] as const,
      )
    : Object.entries(value as Fields);
  const byName = new Map<string, [string, unknown[]]>();
  for (const [name, values] of entries) {
    const key = name.toLowerCase();
    const known = byName.get(key) ?? [name, []];
    known[1].push(...(Array.isArray(values) ? (values as unknown[]) : [values]));
    byName.set(key, known);
  }
  return [...byName.values()];
}

/** A header's value: a string, a number, or `{ prepared, value }`. */
function headerText(name: string, value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "object" && !(value instanceof Date)) {
    const inner = (value as { readonly value?: unknown }).value;
    if (typeof inner !== "string" && typeof inner !== "number")
      throw invalid(`headers.${name}`, "is no string");
    return unfold(String(inner));
  }
  return String(value);
}

/** A prepared value may be folded (RFC 5322 section 2.2.3); what is no folding stays, and is refused later. */
function unfold(value: string): string {
  return value.replace(/\r?\n[ \t]+/g, " ");
}

function title(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

function envelopeSender(given: Fields, node: MimeNode): string | undefined {
  const { envelope } = given;
  if (typeof envelope !== "object" || envelope === null) return undefined;
  const { from, to } = node.getEnvelope();
  const own = envelope as Fields;
  if (own["to"] !== undefined || own["cc"] !== undefined || own["bcc"] !== undefined) {
    const addresses = node.getAddresses();
    const visible = ["to", "cc", "bcc"].flatMap((key) => list(addresses[key]).map(({ email }) => email));
    const same = new Set(visible.map((email) => email.toLowerCase()));
    const wanted = new Set((to ?? []).map((email) => email.toLowerCase()));
    if (same.size !== wanted.size || [...wanted].some((email) => !same.has(email)))
      throw invalid("envelope.to", "must be the recipients of to, cc and bcc: an API sends to those alone");
  }
  return typeof from === "string" && own["from"] !== undefined ? from : undefined;
}

function extension(value: unknown): Fields {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value))
    throw invalid("posthorn", 'must be an object of message fields, such as { tags: ["welcome"] }');
  return value as Fields;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return (
    typeof value === "object" &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).length === 0
  );
}

function invalid(field: string, why: string): InvalidMessageError {
  return new InvalidMessageError(`"${field}" ${why}`, { field });
}
