import type { Address, JsonObject } from "@posthorn/core";
import {
  deepMerge,
  formatAddresses,
  type JsonBody,
  type NormalizedMessage,
  type ReportUnsupported,
} from "@posthorn/core/provider";

type Body = Record<string, JsonBody>;

/**
 * The body of messages/send, or of messages/send-template when the message has a template; without the key.
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/send-new-message/
 * @see https://mailchimp.com/developer/transactional/api/messages/send-using-message-template/
 */
export function buildPayload(message: NormalizedMessage, report: ReportUnsupported): Body {
  // Absent, it is the stored template's own.
  const [from] = message.from;
  const payload: Body = {
    message: compact({
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
      ...files(message),
      return_path_domain: message.envelopeSender?.domain,
      metadata: message.metadata,
      tags: message.tags.length > 0 ? message.tags : undefined,
      track_clicks: message.trackClicks,
      track_opens: message.trackOpens,
      ...merge(message),
    }),
  };
  if (message.templateId !== undefined) {
    payload["template_name"] = String(message.templateId);
    // Required, though it only serves templates with mc:edit regions.
    payload["template_content"] = [];
  }
  if (message.sendAt) payload["send_at"] = utcTime(message.sendAt.time);
  if (message.alternatives.length > 0) report("alternatives");
  return addExtra(payload, message.espExtra);
}

function recipients(type: "to" | "cc" | "bcc", addresses: readonly Address[]): JsonBody[] {
  return addresses.map(({ email, name }) => (name === "" ? { email, type } : { email, name, type }));
}

function headers(message: NormalizedMessage): JsonBody {
  const own = message.headers.map(([name, value]) => [name, String(value)]);
  if (message.replyTo.length > 0) own.push(["Reply-To", formatAddresses(message.replyTo)]);
  return own.length > 0 ? Object.fromEntries(own) : undefined;
}

function files(message: NormalizedMessage): Body {
  const attachments: JsonBody[] = [];
  const images: JsonBody[] = [];
  for (const { filename, content, contentType, contentId, inline } of message.attachments) {
    if (inline) images.push({ type: contentType, name: contentId, content: content.base64() });
    else attachments.push({ type: contentType, name: filename ?? "", content: content.base64() });
  }
  return {
    attachments: attachments.length > 0 ? attachments : undefined,
    images: images.length > 0 ? images : undefined,
  };
}

function merge(message: NormalizedMessage): Body {
  const byRecipient = Object.entries(message.mergeData ?? {});
  const metadata = Object.entries(message.mergeMetadata ?? {});
  return {
    // Each recipient of a batch sees only their own address.
    preserve_recipients: message.isBatch ? false : undefined,
    merge_vars: message.mergeData
      ? byRecipient.map(([rcpt, values]) => ({ rcpt, vars: variables(values) }))
      : undefined,
    global_merge_vars: message.mergeGlobalData ? variables(message.mergeGlobalData) : undefined,
    recipient_metadata: message.mergeMetadata
      ? metadata.map(([rcpt, values]) => ({ rcpt, values }))
      : undefined,
  };
}

function variables(values: JsonObject): JsonBody[] {
  return Object.entries(values).map(([name, content]) => ({ name, content }));
}

/** Mandrill's form of a UTC time: `2026-03-04 13:06:07`. */
function utcTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ");
}

/** Options of the caller's own, which win at every depth. Four of them may be given as dictionaries. */
function addExtra(payload: Body, extra: JsonObject): Body {
  const { message, template_content: content, ...rest } = extra;
  const own: Body = { ...rest };
  if (message !== undefined) own["message"] = isDictionary(message) ? messageExtra(message) : message;
  if (content !== undefined) own["template_content"] = isDictionary(content) ? variables(content) : content;
  return deepMerge(payload, own) as Body;
}

function messageExtra(message: JsonObject): Body {
  const own: Body = { ...message };
  const { recipient_metadata: metadata, merge_vars: vars, global_merge_vars: globals } = message;
  if (isDictionary(metadata))
    own["recipient_metadata"] = Object.entries(metadata).map(([rcpt, values]) => ({ rcpt, values }));
  if (isDictionary(vars)) {
    own["merge_vars"] = Object.entries(vars).map(([rcpt, values]) => ({
      rcpt,
      vars: isDictionary(values) ? variables(values) : values,
    }));
  }
  if (isDictionary(globals)) own["global_merge_vars"] = variables(globals);
  return own;
}

function isDictionary(value: JsonBody): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function compact(body: Body): Body {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
