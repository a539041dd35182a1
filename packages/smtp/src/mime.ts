import {
  type Address,
  type Attachment,
  defineFeatures,
  InvalidMessageError,
  type NormalizedMessage,
} from "./core.js";

/**
 * What SMTP and MIME can carry. What a provider adds around them (tags, tracking, templates, scheduling) has no field there.
 *
 * @see RFC 5321, RFC 5322, RFC 2045
 */
export const smtpFeatures = defineFeatures({
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  alternatives: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  mergeHeaders: true,
  multipleFrom: true,
});

/** Type of {@link smtpFeatures}. */
export type SmtpFeatures = typeof smtpFeatures;

/** An address as Nodemailer takes it. */
interface MailAddress {
  readonly name: string;
  readonly address: string;
}

/** A message as Nodemailer takes it: the part of its `SendMailOptions` that is used here. */
export interface MailOptions {
  readonly from: MailAddress[];
  readonly sender: MailAddress | undefined;
  readonly to: MailAddress[];
  readonly cc: MailAddress[];
  readonly replyTo: MailAddress[];
  readonly subject: string | undefined;
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly amp: string | undefined;
  readonly alternatives: { readonly content: string; readonly contentType: string }[];
  readonly headers: { readonly key: string; readonly value: string }[];
  readonly messageId: string | undefined;
  readonly attachments: {
    readonly filename: string | false;
    readonly content: Buffer;
    readonly contentType: string;
    readonly contentDisposition: "attachment" | "inline";
    readonly cid: string | undefined;
  }[];
  /** Contents are read by core alone: a message must not name files or URLs. */
  readonly disableFileAccess: true;
  readonly disableUrlAccess: true;
}

/** Headers that the MIME structure sets; a second one would hide the attachments. */
const STRUCTURAL = /^(?:content-.*|mime-version)$/i;

/**
 * A message as Nodemailer takes it. `bcc` is not among its headers: those recipients are in the envelope alone.
 *
 * @param to the recipients in the header: all, or the one that a message of a batch is for
 * @throws InvalidMessageError for a header that the MIME structure sets
 */
export async function mailOptions(message: NormalizedMessage, to: readonly Address[]): Promise<MailOptions> {
  const structural = message.headers.find(([name]) => STRUCTURAL.test(name));
  if (structural) {
    const field = `headers.${structural[0]}`;
    throw new InvalidMessageError(`"${field}" must not be set: it follows from the bodies and attachments`, {
      field,
    });
  }
  const from = message.from.map(mailAddress);
  const [first] = from;
  const headers = message.headers.map(([key, value]) => ({ key, value: String(value) }));
  const given = headers.find(({ key }) => key.toLowerCase() === "message-id");
  return {
    from,
    // RFC 5322 section 3.6.2: several authors need a Sender.
    sender: from.length > 1 ? first : undefined,
    to: to.map(mailAddress),
    cc: message.cc.map(mailAddress),
    replyTo: message.replyTo.map(mailAddress),
    subject: message.subject,
    text: message.text,
    html: message.html,
    amp: message.amp,
    alternatives: message.alternatives.map(({ content, contentType }) => ({
      content,
      contentType: withCharset(contentType),
    })),
    headers: headers.filter((header) => header !== given),
    messageId: given ? angled(given.value) : undefined,
    attachments: await Promise.all(message.attachments.map(attachment)),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** A Message-ID for a message (RFC 5322 section 3.6.4), of the sender's domain. */
export function newMessageId(domain: string): string {
  return `<${crypto.randomUUID()}@${domain}>`;
}

function mailAddress({ name, email }: Address): MailAddress {
  return { name, address: email };
}

function angled(id: string): string {
  return /^<.*>$/.test(id.trim()) ? id.trim() : `<${id.trim()}>`;
}

/** The default charset is US-ASCII (RFC 2046 section 4.1.2), but contents are written in UTF-8. */
function withCharset(contentType: string): string {
  return /^text\//i.test(contentType) && !/;\s*charset=/i.test(contentType)
    ? `${contentType}; charset=utf-8`
    : contentType;
}

async function attachment(file: Attachment): Promise<MailOptions["attachments"][number]> {
  return {
    filename: file.filename ?? false,
    content: await bytesOf(file),
    contentType: file.contentType,
    contentDisposition: file.inline ? "inline" : "attachment",
    cid: file.contentId,
  };
}

async function bytesOf({ content }: Attachment): Promise<Buffer> {
  return Buffer.from(await content.raw().blob().arrayBuffer());
}
