import type { Address, Attachment } from "@posthorn/core";
import { buildMime, encodedAddress, encodeMime } from "@posthorn/core/mime";
import {
  chunk,
  deepMerge,
  isInternational,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  recipientGroups,
  requireFrom,
} from "@posthorn/core/provider";

/** Entries that one bulk request takes. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html */
const BULK_LIMIT = 50;
/** The longest value of a header outside raw mail. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html */
const HEADER_LIMIT = 870;

/** Bytes of a file from which on MIME, which is encoded once more for the request, is avoided where it can be. */
const LARGE_FILE = 256 * 1024;
/** The longest name and type of a file outside raw mail. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Attachment.html */
const FILENAME_LIMIT = 255;
const TYPE_LIMIT = 78;
const PRINTABLE = /^[\x20-\x7e]*$/;

type HeaderLines = readonly (readonly [name: string, value: string])[];

/** What the backend's options add to every request. */
export interface Settings {
  readonly configurationSetName: string | undefined;
  readonly messageTagName: string | undefined;
}

/** One request: its operation, its body and the `to` recipients of its mails. */
export interface AmazonSesRequest {
  readonly operation: "SendEmail" | "SendBulkEmail";
  readonly body: JsonRecord;
  readonly to: readonly Address[];
}

/**
 * The requests that a message becomes.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
export async function buildPayloads(
  message: NormalizedMessage,
  settings: Settings,
  report: ReportUnsupported,
): Promise<readonly AmazonSesRequest[]> {
  reportInternational(message, report);
  if (message.templateId !== undefined) return buildBulk(message, settings, report);
  for (const field of ["mergeData", "mergeGlobalData", "mergeHeaders", "mergeMetadata"] as const) {
    if (message[field] !== undefined) report(field, `${field} without a template`);
  }
  const headers = allHeaders(message);
  const simple = isSimple(message, headers) ? { Simple: simpleContent(message, headers) } : undefined;
  return Promise.all(
    recipientGroups(message).map(async (to) => {
      const own = to === message.to ? message : { ...message, to };
      const body = {
        ...buildShared(message, settings, report),
        Destination: destination(own, to),
        Content: simple ?? { Raw: { Data: await encodeMime(buildMime(own, headers)) } },
      };
      return { operation: "SendEmail" as const, body: deepMerge(body, message.espExtra) as JsonRecord, to };
    }),
  );
}

/** SES knows no SMTPUTF8. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html */
function reportInternational(message: NormalizedMessage, report: ReportUnsupported): void {
  for (const field of ["from", "to", "cc", "bcc"] as const) {
    if (message[field].some((address) => isInternational(address))) {
      report(field, `EAI (a local part beyond ASCII) in ${field}`);
    }
  }
}

function buildShared(message: NormalizedMessage, settings: Settings, report: ReportUnsupported): JsonRecord {
  if (settings.messageTagName !== undefined && message.tags.length > 1) {
    report("tags", 'multiple tags with option "messageTagName"');
  }
  return {
    FromEmailAddress: encodedAddress(requireFrom(message)),
    ReplyToAddresses: nonEmpty(message.replyTo.map(encodedAddress)),
    FeedbackForwardingEmailAddress: message.envelopeSender?.email,
    ConfigurationSetName: settings.configurationSetName,
    [message.templateId === undefined ? "EmailTags" : "DefaultEmailTags"]:
      settings.messageTagName !== undefined && message.tags[0] !== undefined
        ? [{ Name: settings.messageTagName, Value: message.tags[0] }]
        : undefined,
  };
}

function destination(message: NormalizedMessage, to: readonly Address[]): JsonRecord {
  return {
    ToAddresses: nonEmpty(to.map(encodedAddress)),
    CcAddresses: nonEmpty(message.cc.map(encodedAddress)),
    BccAddresses: nonEmpty(message.bcc.map(encodedAddress)),
  };
}

/**
 * Whether simple content can hold the message; all else is raw MIME. Mail with small files alone is raw, too: there MIME
 * costs nothing, and says more of them.
 */
function isSimple({ alternatives, amp, attachments }: NormalizedMessage, headers: HeaderLines): boolean {
  return (
    alternatives.length === 0 &&
    amp === undefined &&
    headers.every(([, value]) => value.length <= HEADER_LIMIT && PRINTABLE.test(value)) &&
    (attachments.length === 0 || attachments.some(({ content }) => content.size >= LARGE_FILE)) &&
    attachments.every(isSimpleFile)
  );
}

function isSimpleFile({ filename = "", mimeType, contentType, inline }: Attachment): boolean {
  return (
    !inline &&
    filename !== "" &&
    filename.length <= FILENAME_LIMIT &&
    PRINTABLE.test(filename) &&
    contentType === mimeType &&
    mimeType.length <= TYPE_LIMIT
  );
}

function simpleContent(message: NormalizedMessage, headers: HeaderLines): JsonRecord {
  const text = message.text ?? (message.html === undefined ? "" : undefined);
  return {
    Subject: { Data: message.subject ?? "", Charset: "UTF-8" },
    Body: {
      Text: text === undefined ? undefined : { Data: text, Charset: "UTF-8" },
      Html: message.html === undefined ? undefined : { Data: message.html, Charset: "UTF-8" },
    },
    Headers: nonEmpty(headers.map(([Name, Value]) => ({ Name, Value }))),
    Attachments: nonEmpty(
      message.attachments.map(({ filename, content, mimeType }) => ({
        FileName: filename,
        ContentType: mimeType,
        ContentDisposition: "ATTACHMENT",
        ContentTransferEncoding: "BASE64",
        RawContent: content.base64(),
      })),
    ),
  };
}

/** SES gives headers back in its notifications, so tags and metadata travel as such. */
function allHeaders(message: NormalizedMessage): HeaderLines {
  return [
    ...message.headers.map(([name, value]) => [name, String(value)] as const),
    ...(message.metadata ? [["X-Metadata", JSON.stringify(message.metadata)] as const] : []),
    ...message.tags.map((tag) => ["X-Tag", tag] as const),
  ];
}

/** A stored template has all content itself. */
function buildBulk(
  message: NormalizedMessage,
  settings: Settings,
  report: ReportUnsupported,
): AmazonSesRequest[] {
  const given = {
    subject: Boolean(message.subject),
    text: Boolean(message.text),
    html: message.html !== undefined,
    amp: message.amp !== undefined,
    alternatives: message.alternatives.length > 0,
    attachments: message.attachments.length > 0,
  };
  for (const [field, isGiven] of Object.entries(given)) {
    if (isGiven) report(field as keyof typeof given, `${field} together with a template`);
  }
  const name = String(message.templateId);
  const headers = allHeaders(message).map(([Name, Value]) => ({ Name, Value }));
  const shared = {
    ...buildShared(message, settings, report),
    DefaultContent: {
      Template: {
        [name.startsWith("arn:") ? "TemplateArn" : "TemplateName"]: name,
        TemplateData: JSON.stringify(message.mergeGlobalData ?? {}),
        Headers: nonEmpty(headers),
      },
    },
  };
  return chunk(recipientGroups(message), BULK_LIMIT).map((groups) => ({
    operation: "SendBulkEmail",
    body: deepMerge(
      { ...shared, BulkEmailEntries: groups.map((to) => bulkEntry(message, to)) },
      message.espExtra,
    ) as JsonRecord,
    to: groups.flat(),
  }));
}

function bulkEntry(message: NormalizedMessage, to: readonly Address[]): JsonRecord {
  const email = message.isBatch ? (to[0]?.email ?? "") : "";
  const data = message.mergeData?.[email];
  const metadata = message.mergeMetadata?.[email];
  const headers = [
    ...(message.mergeHeaders?.[email] ?? []).map(([Name, value]) => ({ Name, Value: String(value) })),
    ...(metadata
      ? [{ Name: "X-Metadata", Value: JSON.stringify({ ...message.metadata, ...metadata }) }]
      : []),
  ];
  return {
    Destination: destination(message, to),
    ReplacementEmailContent: data && {
      ReplacementTemplate: { ReplacementTemplateData: JSON.stringify(data) },
    },
    ReplacementHeaders: nonEmpty(headers),
  };
}
