import {
  fetchBytes,
  headersOfRecord,
  type InboundAttachment,
  type InboundEvent,
  type InboundHeaders,
  inboundAttachment,
  inboundEvent,
  inboundFromMime,
  inboundMessage,
  noMessage,
  requireMime,
  urlPath,
} from "@posthorn/core/inbound";
import {
  ConfigurationError,
  dateOf,
  inboundHandler,
  isRecord,
  type JsonRecord,
  jsonOf,
  listOf,
  misdirected,
  recordOf,
  type Secrets,
  stringOf,
  stringsOf,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { RESEND } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface ResendInboundOptions extends WebhookOptions<InboundEvent> {
  /** The webhook's signing secret, `whsec_…`. Environment: `RESEND_INBOUND_SECRET`. */
  readonly signingKey?: Secrets | undefined;
  /** API key, by which the mail is fetched: the post has no more than its addresses. Environment: `RESEND_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Another base URL of the API. Environment: `RESEND_API_URL`. */
  readonly apiUrl?: string | undefined;
  /** The `fetch` to use instead of the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/**
 * Takes `email.received` of Resend, and fetches the mail. https://resend.com/docs/dashboard/receiving/introduction
 *
 * @throws ConfigurationError when there is nothing to verify by, or no API key
 */
export function inboundWebhook(options: ResendInboundOptions): WebhookHandler {
  const forms = {
    signingKey: { secrets: "INBOUND_SECRET" },
    apiKey: "text",
    apiUrl: "text",
    fetch: (value: unknown) => typeof value === "function",
  } as const;
  return inboundHandler(
    { ...RESEND, options: forms, verify: verifyBy, maxBodyBytes: 10_000_000, read },
    options,
  );
}

function verifyBy(options: ResendInboundOptions) {
  accessOf(options);
  return RESEND.verify(options);
}

function accessOf(options: ResendInboundOptions): Access {
  const { apiKey } = options;
  if (apiKey) return { ...options, apiKey };
  throw new ConfigurationError(
    "Resend: apiKey is required: pass it or set RESEND_API_KEY; received messages are fetched by it",
    { provider: "Resend" },
  );
}

async function read(post: WebhookPost, options: ResendInboundOptions): Promise<readonly InboundEvent[]> {
  const body = recordOf(post.json());
  if (body["type"] !== "email.received") {
    throw misdirected("Resend", "event", stringOf(body["type"]) ?? undefined);
  }
  return [await readMail(body, post.headers.get("svix-id"), accessOf(options))];
}

type Access = ResendInboundOptions & { readonly apiKey: string };

async function readMail(body: JsonRecord, eventId: string | null, access: Access): Promise<InboundEvent> {
  const data = recordOf(body["data"]);
  const id = stringOf(data["email_id"]);
  if (!id) throw noMessage("Resend");
  // Inline images stay references to files, as they are in the mail, instead of becoming part of the HTML.
  const mail = await call(`${urlPath("emails", "receiving", id)}?html_format=cid`, access);
  const whole = stringOf(recordOf(mail["raw"])["download_url"]);
  const message = whole
    ? await inboundFromMime(requireMime("Resend", await fetchBytes("Resend", whole, {}, access.fetch)))
    : inboundMessage({
        headers: headersOf(data, mail),
        text: stringOf(mail["text"]),
        html: stringOf(mail["html"]),
        attachments: listOf(mail["attachments"] ?? data["attachments"])
          .filter(isRecord)
          .map((file) => readAttachment(file, id, access)),
      });
  return inboundEvent("Resend", body, message, { eventId, timestamp: dateOf(body["created_at"]) });
}

/** The mail's own headers; without them those that the post tells. */
function headersOf(data: JsonRecord, mail: JsonRecord): InboundHeaders {
  const own = headersOfRecord(mail["headers"]);
  const told: InboundHeaders = [
    ["From", stringOf(mail["from"] ?? data["from"]) ?? ""],
    ["To", stringsOf(mail["to"] ?? data["to"]).join(", ")],
    ["Cc", stringsOf(mail["cc"] ?? data["cc"]).join(", ")],
    ["Subject", stringOf(mail["subject"] ?? data["subject"]) ?? ""],
    ["Message-ID", stringOf(mail["message_id"] ?? data["message_id"]) ?? ""],
  ];
  const missing = told.filter(
    ([name, value]) =>
      (value !== "" || name === "Subject") &&
      !own.some(([known]) => known.toLowerCase() === name.toLowerCase()),
  );
  return [...missing, ...own];
}

function readAttachment(file: JsonRecord, id: string, access: Access): InboundAttachment {
  const contentId = stringOf(file["content_id"]) || null;
  const path = urlPath("emails", "receiving", id, "attachments", stringOf(file["id"]) ?? "");
  return inboundAttachment(
    {
      filename: stringOf(file["filename"]),
      contentType: stringOf(file["content_type"]) ?? "",
      contentId,
      inline: file["content_disposition"] === "inline" && contentId !== null,
    },
    // Links are good for an hour, so each is asked for when it is needed.
    async () =>
      fetchBytes("Resend", stringOf((await call(path, access))["download_url"]) ?? "", {}, access.fetch),
  );
}

async function call(path: string, { apiKey, apiUrl, fetch }: Access): Promise<JsonRecord> {
  const url = `${(apiUrl ?? "https://api.resend.com").replace(/\/+$/, "")}/${path}`;
  const bytes = await fetchBytes("Resend", url, { authorization: `Bearer ${apiKey}` }, fetch);
  return recordOf(jsonOf(new TextDecoder().decode(bytes)));
}
