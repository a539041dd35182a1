import {
  fetchBytes,
  headersOfRecord,
  type InboundAttachment,
  type InboundEvent,
  inboundAttachment,
  inboundEvent,
  inboundMessage,
  readMessages,
  urlPath,
} from "@posthorn/core/inbound";
import {
  ConfigurationError,
  idOf,
  isRecord,
  type JsonRecord,
  listOf,
  numberOf,
  recordOf,
  resolveWebhookOptions,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  WebhookRequestError,
  webhookHandler,
} from "@posthorn/core/webhooks";
import { type BrevoTokenOptions, verifyToken } from "./signature.js";

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
  const forms = {
    bearerToken: "secrets",
    apiKey: "text",
    apiUrl: "text",
    fetch: (value: unknown) => typeof value === "function",
  } as const;
  const resolved = resolveWebhookOptions("Brevo", "BREVO", forms, options);
  const { bearerToken } = resolved;
  return webhookHandler(
    {
      provider: "Brevo",
      maxBodyBytes: 50_000_000,
      verifiedBy: "bearerToken",
      verify: bearerToken ? (post) => verifyToken(post, bearerToken) : undefined,
      read: (post, report) => {
        const body = recordOf(post.json());
        if (!("items" in body)) {
          throw new ConfigurationError("Brevo: this is a tracking event; point it at the tracking webhook", {
            provider: "Brevo",
          });
        }
        return readMessages(listOf(body["items"]), report, (item) => readMail(item, resolved));
      },
    },
    resolved,
  );
}

function readMail(item: unknown, options: BrevoInboundOptions): InboundEvent {
  if (!isRecord(item)) throw new WebhookRequestError("Brevo: an item is no mail", { status: 400 });
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
