import type { Address, JsonObject } from "@posthorn/core";
import {
  chunk,
  compact,
  deepMerge,
  headerRecord,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  recipientGroups,
  reportTypeParameters,
  utf8Base64,
} from "@posthorn/core/provider";

/** Messages that one request takes. https://dev.mailjet.com/email/guides/send-api-v31/ */
const BATCH_LIMIT = 50;

/** One request's body, with the `to` recipients of its messages. */
export interface MailjetPayload {
  readonly body: JsonRecord;
  readonly to: readonly Address[];
}

/**
 * The bodies that a message becomes.
 *
 * @see https://dev.mailjet.com/email/guides/send-api-v31/
 */
export function buildPayloads(
  message: NormalizedMessage,
  report: ReportUnsupported,
): readonly MailjetPayload[] {
  reportTypeParameters(message, report);
  if (message.to.length === 0) report("to", "messages without any to recipient");
  return chunk(recipientGroups(message), BATCH_LIMIT).map((groups) => ({
    body: deepMerge(
      { Globals: buildGlobals(message), Messages: groups.map((to) => buildMessage(message, to)) },
      message.espExtra,
    ) as JsonRecord,
    to: groups.flat(),
  }));
}

function buildGlobals(message: NormalizedMessage): JsonRecord {
  const { templateId } = message;
  return {
    From: message.from[0] && toEmailAndName(message.from[0]),
    Sender: message.envelopeSender && { Email: message.envelopeSender.email },
    ReplyTo: message.replyTo[0] && toEmailAndName(message.replyTo[0]),
    Subject: message.subject || undefined,
    TextPart: message.text || undefined,
    HTMLPart: message.html,
    Headers: headerRecord(message.headers),
    Attachments: files(message, false),
    InlinedAttachments: files(message, true),
    EventPayload: payload(message.metadata),
    CustomCampaign: message.tags[0],
    TrackClicks: enabled(message.trackClicks),
    TrackOpens: enabled(message.trackOpens),
    TemplateID: numericId(templateId),
    TemplateLanguage: templateId === undefined ? undefined : true,
    Variables: compact(message.mergeGlobalData),
  };
}

function buildMessage(message: NormalizedMessage, to: readonly Address[]): JsonRecord {
  const email = message.isBatch ? (to[0]?.email ?? "") : "";
  const metadata = message.mergeMetadata?.[email];
  return {
    To: nonEmpty(to.map(toEmailAndName)),
    Cc: nonEmpty(message.cc.map(toEmailAndName)),
    Bcc: nonEmpty(message.bcc.map(toEmailAndName)),
    Headers: headerRecord(message.mergeHeaders?.[email] ?? []),
    EventPayload: metadata && payload({ ...message.metadata, ...metadata }),
    Variables: compact(message.mergeData?.[email]),
  };
}

function toEmailAndName({ name, email }: Address): JsonRecord {
  return name === "" ? { Email: email } : { Email: email, Name: name };
}

/**
 * Mailjet takes a type without parameters, and text as UTF-8.
 *
 * @see https://dev.mailjet.com/email/guides/send-api-v31/#send-with-attached-files
 */
function files(message: NormalizedMessage, inline: boolean): readonly JsonRecord[] | undefined {
  return nonEmpty(
    message.attachments
      .filter((attachment) => attachment.inline === inline)
      .map((attachment) => ({
        ContentType: attachment.mimeType,
        Filename: attachment.filename ?? "attachment",
        Base64Content: utf8Base64(attachment),
        ContentID: attachment.contentId,
      })),
  );
}

/** Metadata is one text that webhooks give back. */
function payload(metadata: JsonObject | undefined): string | undefined {
  return metadata && Object.keys(metadata).length > 0 ? JSON.stringify(metadata) : undefined;
}

/** Mailjet's ids are numbers. Any other goes as it is, for Mailjet to reject: the message must not go without its template. */
function numericId(id: string | number | undefined): string | number | undefined {
  return typeof id === "string" && /^\d+$/.test(id) ? Number(id) : id;
}

function enabled(value: boolean | undefined): string | undefined {
  return value === undefined ? undefined : value ? "enabled" : "disabled";
}
