import { UnsupportedFeatureError } from "../errors.js";
import type { Features } from "../message/features.js";
import type { MessageField } from "../message/message.js";
import type { NormalizedMessage } from "../message/normalize.js";
import type { UnsupportedMode } from "./options.js";

/**
 * Says that the provider cannot do what a field asks for. It throws, unless the caller chose to send without; then the
 * payload builder goes on as if the field had not been given.
 *
 * @param field the message field
 * @param what the feature in words, where the field's name does not say it all
 */
export type ReportUnsupported = (field: MessageField, what?: string) => void;

/** Makes the reporter that a backend's mode asks for. */
export function unsupportedReporter(
  provider: string,
  mode: UnsupportedMode,
  warn: (line: string) => void = (line) => console.warn(line),
): ReportUnsupported {
  return (field, what = field) => {
    const message = `${provider} does not support ${what} (message field "${field}")`;
    if (mode === "error") throw new UnsupportedFeatureError(message, { provider, field });
    if (mode === "warn") warn(`${message}; the message is sent without it`);
  };
}

/** Takes out of a message what the provider does not have, reporting each field. */
export function dropUnsupported(
  message: NormalizedMessage,
  features: Features,
  report: ReportUnsupported,
): NormalizedMessage {
  let kept: NormalizedMessage = message;
  const drop = (field: keyof NormalizedMessage & MessageField, empty: unknown, what?: string): void => {
    report(field, what);
    kept = { ...kept, [field]: empty };
  };
  for (const field of ["cc", "bcc", "replyTo", "headers", "tags", "alternatives", "attachments"] as const) {
    if (features[field] === false && message[field].length > 0) {
      drop(field, [], field === "alternatives" ? alternativeTypes(message) : undefined);
    }
  }
  for (const field of OPTIONAL) {
    if (features[field] === false && message[field] !== undefined) drop(field, undefined);
  }
  if (features.replyTo === "one" && message.replyTo.length > 1) {
    drop("replyTo", message.replyTo.slice(0, 1), "multiple replyTo addresses");
  }
  if (features.tags === "one" && message.tags.length > 1)
    drop("tags", message.tags.slice(0, 1), "multiple tags");
  if (!features.multipleFrom && message.from.length > 1)
    drop("from", message.from.slice(0, 1), "multiple from addresses");
  if (
    !features.inlineAttachments &&
    features.attachments &&
    message.attachments.some((attachment) => attachment.inline)
  ) {
    drop(
      "attachments",
      message.attachments.map((attachment) => ({ ...attachment, inline: false, contentId: undefined })),
      "inline attachments",
    );
  }
  return kept;
}

const OPTIONAL = [
  "html",
  "amp",
  "envelopeSender",
  "metadata",
  "sendAt",
  "trackClicks",
  "trackOpens",
  "templateId",
  "mergeData",
  "mergeGlobalData",
  "mergeHeaders",
  "mergeMetadata",
  "idempotencyKey",
] as const satisfies readonly (keyof Features & MessageField)[];

function alternativeTypes(message: NormalizedMessage): string {
  const html =
    message.html !== undefined && message.alternatives.some(({ contentType }) => contentType === "text/html");
  return html ? "multiple html parts" : `alternative parts of type ${message.alternatives[0]?.contentType}`;
}
