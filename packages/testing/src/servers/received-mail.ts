import { formatAddress, parseAddress } from "@posthorn/core";
import { encodeWords } from "@posthorn/core/provider";

/** A file of a {@link ReceivedMail}. */
export interface ReceivedFile {
  readonly filename: string;
  readonly contentType: string;
  readonly content: string | Uint8Array;
  /** Makes it one that the HTML shows. */
  readonly contentId?: string;
}

/** A mail for a fake provider to receive. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly files?: readonly ReceivedFile[];
  /** Default: the address of `from`. */
  readonly envelopeSender?: string;
  /** Default: the address of `to`. */
  readonly envelopeRecipient?: string;
}

/** Headers in order. */
export type MailHeaders = readonly (readonly [name: string, value: string])[];

/** The addresses that the mail goes by in SMTP. */
export function envelopeOf(mail: ReceivedMail): { readonly sender: string; readonly recipient: string } {
  return {
    sender: mail.envelopeSender ?? parseAddress(mail.from, "from").email,
    recipient: mail.envelopeRecipient ?? parseAddress(mail.to, "to").email,
  };
}

/** The headers that the sender's mail program writes, with their words as people read them. */
export function headersOf(mail: ReceivedMail, id: string, date: Date): MailHeaders {
  return [
    ["From", oneLine(mail.from)],
    ["To", oneLine(mail.to)],
    ["Subject", oneLine(mail.subject)],
    ["Date", date.toUTCString().replace("GMT", "+0000")],
    ["Message-Id", `<${id}@received.example>`],
    ["Mime-Version", "1.0"],
  ];
}

/** The mail as it goes over the wire (RFC 5322, RFC 2045): ASCII, its bodies in base64. */
export function composeMime(mail: ReceivedMail, headers: MailHeaders): string {
  const files = mail.files ?? [];
  const text = leaf("text/plain; charset=utf-8", mail.text);
  const body =
    mail.html === undefined
      ? text
      : multipart("alternative", [text, leaf("text/html; charset=utf-8", mail.html)]);
  const inlines = files.filter(({ contentId }) => contentId !== undefined);
  const attachments = files.filter(({ contentId }) => contentId === undefined);
  const related = inlines.length > 0 ? multipart("related", [body, ...inlines.map(fileLeaf)]) : body;
  const whole =
    attachments.length > 0 ? multipart("mixed", [related, ...attachments.map(fileLeaf)]) : related;
  return [...headers.map(([name, value]) => `${name}: ${encodeHeader(name, value)}`), whole].join("\r\n");
}

function encodeHeader(name: string, value: string): string {
  if (name !== "From" && name !== "To") return encodeWords(value).replaceAll("?= =?", "?=\r\n =?");
  const { name: display, email } = parseAddress(value, name);
  const words = encodeWords(display);
  return words === display ? formatAddress({ name: display, email }) : `${words} <${email}>`;
}

function leaf(type: string, content: string | Uint8Array, more: readonly string[] = []): string {
  const bytes = typeof content === "string" ? Buffer.from(content) : Buffer.from(content);
  const lines = bytes.toString("base64").match(/.{1,76}/g) ?? [];
  return [`Content-Type: ${type}`, "Content-Transfer-Encoding: base64", ...more, "", ...lines, ""].join(
    "\r\n",
  );
}

function fileLeaf(file: ReceivedFile): string {
  const { filename, contentType, content, contentId } = file;
  const kind = contentId === undefined ? "attachment" : "inline";
  // RFC 2231, which takes any name.
  const name = encodeURIComponent(filename).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16)}`,
  );
  return leaf(oneLine(contentType), content, [
    `Content-Disposition: ${kind}; filename*=UTF-8''${name}`,
    ...(contentId === undefined ? [] : [`Content-Id: <${oneLine(contentId)}>`]),
  ]);
}

/** Base64 has no dash and no underscore, so this boundary cannot come in a body. */
function multipart(kind: string, parts: readonly string[]): string {
  const boundary = `--_${kind}_--`;
  const lines = parts.map((part) => `--${boundary}\r\n${part}\r\n`);
  return `Content-Type: multipart/${kind}; boundary="${boundary}"\r\n\r\n${lines.join("")}--${boundary}--\r\n`;
}

/** A header value cannot hold a line break: what comes after would be a header of its own. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}
