import { type Address, formatAddress } from "@posthorn/core";
import {
  chunk,
  compact,
  formatAddresses,
  forRecipient,
  type JsonBody,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  stringValues,
} from "@posthorn/core/provider";

/** Messages of one batch request. https://postmarkapp.com/developer/api/email-api#send-batch-emails */
const BATCH_LIMIT = 500;

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
  const mails = message.isBatch ? message.to.map((to) => buildMail(forRecipient(message, to), [to])) : [];
  if (!hasTemplate) reportMerge(message, report);
  if (!message.isBatch) {
    const body = buildMail(message, message.to);
    return [{ path: hasTemplate ? "email/withTemplate/" : "email", body, to: message.to }];
  }
  const recipients = chunk(message.to, BATCH_LIMIT);
  return chunk(mails, BATCH_LIMIT).map((batch, index) => ({
    path: hasTemplate ? "email/batchWithTemplates" : "email/batch",
    body: hasTemplate ? { Messages: batch } : batch,
    to: recipients[index] ?? [],
  }));
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
