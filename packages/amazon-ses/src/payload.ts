import type { Address, Attachment, JsonObject } from "@posthorn/core";
import { buildMime, encodedAddress, encodedValue, encodeMime, type HeaderLines } from "@posthorn/core/mime";
import {
  chunk,
  compact,
  deepMerge,
  forRecipient,
  isInternational,
  isRecord,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  recipientGroups,
  requireFrom,
} from "@posthorn/core/provider";

/** Entries of one bulk request. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html */
const BULK_LIMIT = 50;

/**
 * Headers outside raw MIME: how many, and how long their names and values are. The API's model allows values of 995
 * characters; its documentation still says 870.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Message.html
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html
 */
const HEADER_COUNT = 15;
const NAME_LIMIT = 126;
const HEADER_LIMIT = 995;

/** Bytes of a file from which on MIME, which the request encodes a second time, is avoided where possible. */
const LARGE_FILE = 256 * 1024;
/** Longest name and type of a file outside raw MIME. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Attachment.html */
const FILENAME_LIMIT = 255;
const TYPE_LIMIT = 78;
const PRINTABLE = /^[\x20-\x7e]*$/;

/** Settings from the backend's options, added to every request. */
export interface Settings {
  readonly configurationSetName: string | undefined;
  readonly messageTagName: string | undefined;
}

/** One request: its operation, its body and the `to` recipients of its messages. */
export interface AmazonSesRequest {
  readonly operation: "SendEmail" | "SendBulkEmail";
  readonly body: JsonRecord;
  readonly to: readonly Address[];
}

/**
 * The requests that a message becomes.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html
 */
export async function buildPayloads(
  message: NormalizedMessage,
  settings: Settings,
  report: ReportUnsupported,
): Promise<readonly AmazonSesRequest[]> {
  reportInternational(message, report);
  const { EndpointId, Content, DefaultContent, ...extra } = message.espExtra;
  if (EndpointId !== undefined)
    report("espExtra", "espExtra.EndpointId: multi-region endpoints need Signature Version 4A");
  if (!hasTemplate(message))
    return buildContent(message, settings, report, Content === undefined ? extra : { ...extra, Content });
  return buildTemplated(message, settings, report, extra);
}

/** A template given in `espExtra`, for either operation. */
function ownTemplate({ espExtra }: NormalizedMessage): JsonRecord | undefined {
  return [espExtra["Content"], espExtra["DefaultContent"]]
    .map((content) => (isRecord(content) ? content["Template"] : undefined))
    .find((template) => isRecord(template));
}

function hasTemplate(message: NormalizedMessage): boolean {
  return message.templateId !== undefined || ownTemplate(message) !== undefined;
}

/**
 * Whether each recipient of a batch takes a request: without a template SES sends one message at a time, and bulk requests have
 * no list management.
 */
export function splitsBatch(message: NormalizedMessage): boolean {
  if (hasTemplate(message)) return message.espExtra["ListManagementOptions"] !== undefined;
  return !hasValues(Object.values(message.mergeData ?? {}));
}

function hasValues(list: readonly (object | undefined)[]): boolean {
  return list.some((values) => Object.keys(values ?? {}).length > 0);
}

/** SES does not support SMTPUTF8. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html */
function reportInternational(message: NormalizedMessage, report: ReportUnsupported): void {
  for (const field of ["from", "to", "cc", "bcc"] as const) {
    if (message[field].some((address) => isInternational(address))) {
      report(field, `EAI (a local part beyond ASCII) in ${field}`);
    }
  }
}

/** Of batches only those come here whose merge data are left out. */
function buildContent(
  message: NormalizedMessage,
  settings: Settings,
  report: ReportUnsupported,
  extra: JsonObject,
): Promise<readonly AmazonSesRequest[]> {
  if (hasValues([message.mergeGlobalData])) report("mergeGlobalData", "mergeGlobalData without a template");
  if (hasValues(Object.values(message.mergeData ?? {}))) report("mergeData", "mergeData without a template");
  const shared = buildShared(message, settings, report, "EmailTags");
  const singles = message.isBatch
    ? message.to.map((address) => ({ ...forRecipient(message, address), to: [address] }))
    : [message];
  return Promise.all(
    singles.map(async (own): Promise<AmazonSesRequest> => {
      const headers = allHeaders(own, report);
      const body = {
        ...shared,
        Destination: destination(own, own.to),
        Content: simpleContent(own, headers) ?? { Raw: { Data: await encodeMime(buildMime(own, headers)) } },
      };
      return { operation: "SendEmail", body: deepMerge(body, extra) as JsonRecord, to: own.to };
    }),
  );
}

function buildShared(
  message: NormalizedMessage,
  settings: Settings,
  report: ReportUnsupported,
  tags: "EmailTags" | "DefaultEmailTags",
): JsonRecord {
  if (settings.messageTagName !== undefined && message.tags.length > 1) {
    report("tags", 'multiple tags with option "messageTagName"');
  }
  // https://docs.aws.amazon.com/ses/latest/dg/configuration-overrides.html
  const tracking = compact({
    OpenTrackingEnabled: status(message.trackOpens),
    ClickTrackingEnabled: status(message.trackClicks),
  });
  return {
    FromEmailAddress: encodedAddress(requireFrom(message)),
    ReplyToAddresses: nonEmpty(message.replyTo.map(encodedAddress)),
    FeedbackForwardingEmailAddress: message.envelopeSender?.email,
    ConfigurationSetName: settings.configurationSetName,
    ConfigurationOverrides: tracking && { Tracking: tracking },
    [tags]:
      settings.messageTagName !== undefined && message.tags[0] !== undefined
        ? [{ Name: settings.messageTagName, Value: message.tags[0] }]
        : undefined,
  };
}

function status(flag: boolean | undefined): string | undefined {
  return flag === undefined ? undefined : flag ? "ENABLED" : "DISABLED";
}

function destination(message: NormalizedMessage, to: readonly Address[]): JsonRecord {
  return {
    ToAddresses: nonEmpty(to.map(encodedAddress)),
    CcAddresses: nonEmpty(message.cc.map(encodedAddress)),
    BccAddresses: nonEmpty(message.bcc.map(encodedAddress)),
  };
}

/**
 * The message as simple content; `undefined` when it takes raw MIME. Messages with small files only are raw, too: there
 * MIME costs nothing, and describes files better.
 */
function simpleContent(message: NormalizedMessage, headers: HeaderLines): JsonRecord | undefined {
  const { alternatives, amp, attachments, html, subject = "" } = message;
  const isSimple =
    alternatives.length === 0 &&
    amp === undefined &&
    subject.length <= HEADER_LIMIT &&
    headers.length <= HEADER_COUNT &&
    headers.every(isSimpleHeader) &&
    (attachments.length === 0 || attachments.some(({ content }) => content.size >= LARGE_FILE)) &&
    attachments.every(isSimpleFile);
  if (!isSimple) return undefined;
  const text = message.text ?? (html === undefined ? "" : undefined);
  return {
    Simple: {
      Subject: { Data: subject, Charset: "UTF-8" },
      Body: {
        Text: text === undefined ? undefined : { Data: text, Charset: "UTF-8" },
        Html: html === undefined ? undefined : { Data: html, Charset: "UTF-8" },
      },
      Headers: headerObjects(headers),
      Attachments: files(attachments),
    },
  };
}

/** SES sets Date and Message-ID itself, unless raw MIME has them. */
function isSimpleHeader([name, value]: HeaderLines[number]): boolean {
  return !/^(?:date|message-id)$/i.test(name) && isShortHeader(name, value) && PRINTABLE.test(value);
}

function isShortHeader(name: string, value: string): boolean {
  return value !== "" && value.length <= HEADER_LIMIT && name.length <= NAME_LIMIT;
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

function headerObjects(headers: HeaderLines): readonly JsonRecord[] | undefined {
  return nonEmpty(headers.map(([Name, Value]) => ({ Name, Value })));
}

/** Files as the API takes them beside simple content and templates. */
function files(attachments: readonly Attachment[]): readonly JsonRecord[] | undefined {
  return nonEmpty(
    attachments.map(({ filename, content, contentType, contentId, inline }) => ({
      FileName: filename ?? contentId ?? "attachment",
      ContentType: contentType,
      ContentDisposition: inline ? "INLINE" : "ATTACHMENT",
      ContentId: contentId,
      ContentTransferEncoding: "BASE64",
      RawContent: content.base64(),
    })),
  );
}

/** The caller's headers, and tags and metadata, which notifications give back from headers. */
function allHeaders(message: NormalizedMessage, report: ReportUnsupported): HeaderLines {
  return [
    ...message.headers
      .filter(([name, value]) => !isOwnMimeHeader(name, String(value), report))
      .map(([name, value]) => [name, String(value)] as const),
    ...(message.metadata ? [["X-Metadata", headerJson(message.metadata)] as const] : []),
    ...message.tags.map((tag) => ["X-Tag", tag] as const),
  ];
}

/** Headers that the content has by itself, and must not have twice. https://docs.aws.amazon.com/ses/latest/dg/header-fields.html */
function isOwnMimeHeader(name: string, value: string, report: ReportUnsupported): boolean {
  const own = /^(?:mime-version|content-transfer-encoding|(content-type))$/i.exec(name);
  // A type of the bodies themselves says nothing new.
  if (own?.[1] && !/^\s*(?:text\/(?:plain|html)|multipart\/[\w-]+)\s*(?:;|$)/i.test(value))
    report("headers", `the header ${name}: ${value}; use "alternatives" or "attachments" instead`);
  return own !== null;
}

/** JSON in ASCII; where it would be too long for a line, with spaces to fold it at. */
function headerJson(value: JsonObject): string {
  const json = JSON.stringify(value);
  return (
    json.length > HEADER_LIMIT - 95 ? JSON.stringify(value, null, 1).replace(/\n */g, " ") : json
  ).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Headers beside a template, which cannot be raw: what is not ASCII becomes encoded words. */
function templateHeaders(headers: HeaderLines, report: ReportUnsupported): readonly JsonRecord[] | undefined {
  const kept: (readonly [string, string])[] = [];
  for (const [name, value] of headers) {
    const encoded = encodedValue(value);
    if (isShortHeader(name, encoded)) kept.push([name, encoded]);
    else {
      const field = name === "X-Metadata" ? "metadata" : name === "X-Tag" ? "tags" : "headers";
      report(
        field,
        `an empty header, or one of over ${HEADER_LIMIT} characters, together with a template (${name})`,
      );
    }
  }
  if (kept.length > HEADER_COUNT)
    report(
      "headers",
      `more than ${HEADER_COUNT} headers, tags and metadata included, together with a template`,
    );
  return headerObjects(kept.slice(0, HEADER_COUNT));
}

/** A template, stored or given in the request (`espExtra.Content.Template.TemplateContent`), has all text itself. */
function buildTemplated(
  message: NormalizedMessage,
  settings: Settings,
  report: ReportUnsupported,
  extra: JsonObject,
): readonly AmazonSesRequest[] {
  const given = {
    subject: Boolean(message.subject),
    text: Boolean(message.text),
    html: Boolean(message.html),
    amp: message.amp !== undefined,
    alternatives: message.alternatives.length > 0,
  };
  for (const [field, isGiven] of Object.entries(given)) {
    if (isGiven) report(field as keyof typeof given, `${field} together with a template`);
  }
  for (const { filename = "", contentType } of message.attachments) {
    if (filename.length > FILENAME_LIMIT || contentType.length > TYPE_LIMIT)
      report("attachments", "attachments with such long names or types together with a template");
  }
  const own = ownTemplate(message);
  const template = deepMerge(
    {
      ...(own?.["TemplateContent"] === undefined && templateName(message)),
      TemplateData: JSON.stringify(message.mergeGlobalData ?? {}),
      Headers: templateHeaders(allHeaders(message, report), report),
      Attachments: files(message.attachments),
    },
    own ?? {},
  );
  const isSingle =
    !message.isBatch && (extra["ListManagementOptions"] ?? message.espExtra["Content"]) !== undefined;
  if (isSingle) {
    const body = {
      ...buildShared(message, settings, report, "EmailTags"),
      Destination: destination(message, message.to),
      Content: { Template: template },
    };
    return [{ operation: "SendEmail", body: deepMerge(body, extra) as JsonRecord, to: message.to }];
  }
  const shared = {
    ...buildShared(message, settings, report, "DefaultEmailTags"),
    DefaultContent: { Template: template },
  };
  return chunk(recipientGroups(message), BULK_LIMIT).map((groups) => ({
    operation: "SendBulkEmail",
    body: deepMerge(
      { ...shared, BulkEmailEntries: groups.map((to) => bulkEntry(message, to, report)) },
      extra,
    ) as JsonRecord,
    to: groups.flat(),
  }));
}

function templateName({ templateId }: NormalizedMessage): JsonRecord {
  const name = String(templateId);
  return templateId === undefined ? {} : { [name.startsWith("arn:") ? "TemplateArn" : "TemplateName"]: name };
}

function bulkEntry(
  message: NormalizedMessage,
  to: readonly Address[],
  report: ReportUnsupported,
): JsonRecord {
  const email = message.isBatch ? (to[0]?.email ?? "") : "";
  const data = message.mergeData?.[email];
  const metadata = message.mergeMetadata?.[email];
  const headers = [
    ...(message.mergeHeaders?.[email] ?? []).map(([name, value]) => [name, String(value)] as const),
    ...(metadata ? [["X-Metadata", headerJson({ ...message.metadata, ...metadata })] as const] : []),
  ];
  return {
    Destination: destination(message, to),
    ReplacementEmailContent: data && {
      ReplacementTemplate: { ReplacementTemplateData: JSON.stringify(data) },
    },
    ReplacementHeaders: templateHeaders(headers, report),
  };
}
