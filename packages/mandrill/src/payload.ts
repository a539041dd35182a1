import type { Address, JsonObject } from "@posthorn/core";
import {
  compact,
  deepMerge,
  formatAddresses,
  headerRecord,
  isRecord,
  type JsonBody,
  type JsonRecord,
  type NormalizedMessage,
  nonEmpty,
  type ReportUnsupported,
  toEmailAndName,
} from "@posthorn/core/provider";

/**
 * The body of messages/send, or of messages/send-template when the message has a template; without the key.
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/send-new-message/
 * @see https://mailchimp.com/developer/transactional/api/messages/send-using-message-template/
 */
export function buildPayload(message: NormalizedMessage, report: ReportUnsupported): JsonRecord {
  if (message.alternatives.length > 0) report("alternatives");
  const { templateId } = message;
  // Absent, the sender is the stored template's own.
  const [from] = message.from;
  const payload: JsonRecord = {
    message: {
      from_email: from?.email,
      from_name: from?.name || undefined,
      to: [
        ...recipients("to", message.to),
        ...recipients("cc", message.cc),
        ...recipients("bcc", message.bcc),
      ],
      subject: message.subject,
      text: message.text,
      html: message.html,
      headers: headers(message),
      attachments: files(message, false),
      images: files(message, true),
      return_path_domain: message.envelopeSender?.domain,
      metadata: compact(message.metadata),
      tags: nonEmpty(message.tags),
      track_clicks: message.trackClicks,
      track_opens: message.trackOpens,
      // Each recipient of a batch sees only their own address.
      preserve_recipients: message.isBatch ? false : undefined,
      merge_vars: byRecipient(message.mergeData, (rcpt, values) => ({ rcpt, vars: variables(values) })),
      global_merge_vars: nonEmpty(variables(message.mergeGlobalData ?? {})),
      recipient_metadata: byRecipient(message.mergeMetadata, (rcpt, values) => ({ rcpt, values })),
    },
    template_name: templateId === undefined ? undefined : String(templateId),
    // Required with a template, though it only serves those with mc:edit regions.
    template_content: templateId === undefined ? undefined : [],
    send_at: message.sendAt && utcTime(message.sendAt.time),
  };
  return deepMerge(payload, extra(message.espExtra)) as JsonRecord;
}

function recipients(type: "to" | "cc" | "bcc", addresses: readonly Address[]): readonly JsonRecord[] {
  return addresses.map((address) => ({ ...toEmailAndName(address), type }));
}

function headers(message: NormalizedMessage): JsonRecord | undefined {
  const replyTo = message.replyTo.length > 0 ? [["Reply-To", formatAddresses(message.replyTo)] as const] : [];
  return headerRecord([...message.headers, ...replyTo]);
}

/** The HTML refers to an inline image by its name. */
function files(message: NormalizedMessage, inline: boolean): readonly JsonRecord[] | undefined {
  return nonEmpty(
    message.attachments
      .filter((attachment) => attachment.inline === inline)
      .map(({ filename, content, contentType, contentId }) => ({
        type: contentType,
        name: (inline ? contentId : filename) ?? "",
        content: content.base64(),
      })),
  );
}

/** Recipients without values are left out. */
function byRecipient(
  values: Readonly<Record<string, JsonObject>> | undefined,
  entry: (rcpt: string, values: JsonObject) => JsonRecord,
): readonly JsonRecord[] | undefined {
  const own = Object.entries(values ?? {}).filter(([, each]) => Object.keys(each).length > 0);
  return nonEmpty(own.map(([rcpt, each]) => entry(rcpt, each)));
}

function variables(values: Readonly<JsonRecord>): readonly JsonRecord[] {
  return Object.entries(values).map(([name, content]) => ({ name, content }));
}

/** A time as Mandrill writes it, in UTC: `2026-03-04 13:06:07`. */
function utcTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ");
}

/** The caller's own options. Four of Mandrill's lists may be given as dictionaries. */
function extra({ message, template_content: content, ...rest }: JsonObject): JsonRecord {
  const own: JsonRecord = { ...rest };
  if (message !== undefined) own["message"] = isRecord(message) ? messageExtra(message) : message;
  if (content !== undefined) own["template_content"] = isRecord(content) ? variables(content) : content;
  return own;
}

function messageExtra(message: Readonly<JsonRecord>): JsonRecord {
  const { recipient_metadata: metadata, merge_vars: vars, global_merge_vars: globals } = message;
  const own: JsonRecord = { ...message };
  if (isRecord(metadata)) own["recipient_metadata"] = listed(metadata, (rcpt, values) => ({ rcpt, values }));
  if (isRecord(vars)) {
    own["merge_vars"] = listed(vars, (rcpt, values) => ({
      rcpt,
      vars: isRecord(values) ? variables(values) : values,
    }));
  }
  if (isRecord(globals)) own["global_merge_vars"] = variables(globals);
  return own;
}

function listed(
  dictionary: JsonRecord,
  entry: (rcpt: string, values: JsonBody) => JsonRecord,
): readonly JsonRecord[] {
  return Object.entries(dictionary).map(([rcpt, values]) => entry(rcpt, values));
}
