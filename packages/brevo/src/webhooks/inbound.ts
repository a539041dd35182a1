import {
  fetchBytes,
  headersOfRecord,
  type InboundAttachment,
  type InboundEvent,
  inboundAttachment,
  inboundEvent,
  inboundMessage,
  noMessage,
  readMessages,
  urlPath,
} from "@posthorn/core/inbound";
import {
  ConfigurationError,
  idOf,
  inboundHandler,
  isRecord,
  type JsonRecord,
  listOf,
  misdirected,
  numberOf,
  recordOf,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { BREVO, type BrevoTokenOptions } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface BrevoInboundOptions extends WebhookOptions<InboundEvent>, BrevoTokenOptions {
  /** API v3 key, by which attachments are fetched. Environment: `BREVO_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Another base URL of the API. Environment: `BREVO_API_URL`. */
  readonly apiUrl?: string | undefined;
  /** The `fetch` to use instead of the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/**
 * Takes mail that Brevo received. Attachments stay at Brevo until `blob()` fetches them.
 * https://developers.brevo.com/docs/inbound-parse-webhooks
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: BrevoInboundOptions): WebhookHandler {
  const forms = { ...BREVO.options, apiKey: "text", apiUrl: "text", fetch: isFunction } as const;
  return inboundHandler({ ...BREVO, options: forms, signatureStatus: BREVO.retryStatus, read }, options);
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function read(
  post: WebhookPost,
  options: BrevoInboundOptions,
  report: (error: unknown) => void,
): Promise<readonly InboundEvent[]> {
  const body = post.json();
  if (!isRecord(body) || !("items" in body)) {
    throw misdirected("Brevo", "event", stringOf(recordOf(body)["event"]) ?? undefined);
  }
  const items = listOf(body["items"]);
  if (items.length === 0) throw noMessage("Brevo");
  return readMessages(items, report, (item) => readMail(item, options));
}

function readMail(item: unknown, options: BrevoInboundOptions): InboundEvent {
  if (!isRecord(item)) throw noMessage("Brevo");
  const headers = headersOfRecord(item["Headers"]);
  const header = (name: string) => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  const message = inboundMessage({
    headers,
    text: stringOf(item["RawTextBody"]) ?? "",
    html: stringOf(item["RawHtmlBody"]) ?? "",
    attachments: listOf(item["Attachments"])
      .filter(isRecord)
      .map((file) => readAttachment(file, options)),
    envelopeSender: header("return-path"),
    envelopeRecipient: header("delivered-to"),
    spamScore: numberOf(recordOf(item["Spam"])["Score"] ?? item["SpamScore"]),
    strippedText: stringOf(item["ExtractedMarkdownMessage"]),
  });
  return inboundEvent("Brevo", item, message, { eventId: idOf(listOf(item["Uuid"])[0]), timestamp: null });
}

function readAttachment(file: JsonRecord, { apiKey, apiUrl, fetch }: BrevoInboundOptions): InboundAttachment {
  const contentId = stringOf(file["ContentID"]) || null;
  const path = urlPath("inbound", "attachments", stringOf(file["DownloadToken"]) ?? "");
  return inboundAttachment(
    {
      filename: stringOf(file["Name"]),
      contentType: stringOf(file["ContentType"]) ?? "",
      contentId,
      inline: contentId !== null,
    },
    () => {
      if (!apiKey) {
        throw new ConfigurationError("Brevo: option apiKey is missing; attachments are fetched by it", {
          provider: "Brevo",
        });
      }
      const url = `${(apiUrl ?? "https://api.brevo.com/v3").replace(/\/+$/, "")}/${path}`;
      return fetchBytes("Brevo", url, { "api-key": apiKey }, fetch);
    },
  );
}
