import { type Address, formatAddress } from "@posthorn/core";
import {
  chunkBySize,
  compact,
  formatAddresses,
  forRecipient,
  type JsonBody,
  type JsonRecord,
  jsonSize,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  stringValues,
} from "@posthorn/core/provider";

/**
 * Messages and bytes of one batch request.
 *
 * @see https://postmarkapp.com/developer/api/email-api#send-batch-emails
 */
const BATCH_LIMITS = { count: 500, bytes: 50_000_000 };

/** One request: its endpoint, its body and the `to` recipients of its messages. */
export interface PostmarkRequest {
  readonly path: string;
  readonly body: JsonBody;
  readonly to: readonly Address[];
}

/**
 * The requests that a message becomes.
 *
 * @see https://postmarkapp.com/developer/api/email-api
 * @see https://postmarkapp.com/developer/api/templates-api#email-with-template
 */
export function buildPayloads(
  message: NormalizedMessage,
  report: ReportUnsupported,
): readonly PostmarkRequest[] {
  const hasTemplate = message.templateId !== undefined;
  if (!hasTemplate) reportMerge(message, report);
  if (!message.isBatch) {
    const body = buildMail(message, message.to);
    return [{ path: hasTemplate ? "email/withTemplate/" : "email", body, to: message.to }];
  }
  const each = message.to.map((to) => ({ to, body: buildMail(forRecipient(message, to), [to]) }));
  return chunkBySize(each, BATCH_LIMITS, ({ body }) => jsonSize(body)).map((batch) => {
    const bodies = batch.map(({ body }) => body);
    return {
      path: hasTemplate ? "email/batchWithTemplates" : "email/batch",
      body: hasTemplate ? { Messages: bodies } : bodies,
      to: batch.map(({ to }) => to),
    };
  });
}

/** Only stored templates have variables. */
function reportMerge(message: NormalizedMessage, report: ReportUnsupported): void {
  const hasValues = (values: object | undefined): boolean => Object.keys(values ?? {}).length > 0;
  if (Object.values(message.mergeData ?? {}).some(hasValues))
    report("mergeData", "mergeData without a template");
  if (hasValues(message.mergeGlobalData)) report("mergeGlobalData", "mergeGlobalData without a template");
}

function buildMail(message: NormalizedMessage, to: readonly Address[]): JsonRecord {
  const { server_token: _, ...extra } = message.espExtra;
  return {
    From: formatAddresses(message.from),
    To: list(to),
    Cc: list(message.cc),
    Bcc: list(message.bcc),
    ReplyTo: list(message.replyTo),
    Subject: message.subject || undefined,
    TextBody: message.text || undefined,
    HtmlBody: message.html || undefined,
    Headers: nonEmpty(message.headers.map(([Name, value]) => ({ Name, Value: String(value) }))),
    Attachments: nonEmpty(
      message.attachments.map(({ filename, content, contentType, contentId, inline }) => ({
        Name: filename ?? "",
        Content: content.base64(),
        ContentType: contentType,
        ContentID: inline ? `cid:${contentId}` : undefined,
      })),
    ),
    // Postmark takes strings only. https://postmarkapp.com/support/article/1125-custom-metadata-faq
    Metadata: compact(stringValues(message.metadata ?? {})),
    Tag: message.tags[0],
    TrackOpens: message.trackOpens,
    TrackLinks: message.trackClicks === undefined ? undefined : message.trackClicks ? "HtmlAndText" : "None",
    ...template(message),
    ...extra,
  };
}

/** A template is named by its number or its alias. The model is required, even when empty. */
function template(message: NormalizedMessage): JsonRecord {
  const { templateId } = message;
  if (templateId === undefined) return {};
  const id = /^\d+$/.test(String(templateId))
    ? { TemplateId: Number(templateId) }
    : { TemplateAlias: templateId };
  return { ...id, TemplateModel: message.mergeGlobalData ?? {} };
}

function list(addresses: readonly Address[]): string | undefined {
  return addresses.length > 0 ? addresses.map(formatAddress).join(", ") : undefined;
}
