import {
  fetchBytes,
  type InboundEvent,
  inboundEvent,
  inboundFromMime,
  noMessage,
  readMessages,
  requireMime,
  urlPath,
} from "@posthorn/core/inbound";
import {
  ConfigurationError,
  dateOfSeconds,
  idOf,
  inboundHandler,
  jsonOf,
  misdirected,
  numberOf,
  recordOf,
  type Secrets,
  stringOf,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { entriesOf, isMessage, MAILTRAP } from "./signature.js";

/** Options of {@link inboundWebhook}. */
export interface MailtrapInboundOptions extends WebhookOptions<InboundEvent> {
  /** The signing secret of the inbound webhook. Environment: `MAILTRAP_INBOUND_SECRET`. */
  readonly signingKey?: Secrets | undefined;
  /** API token, by which the message is fetched: the post has no more than its id. Environment: `MAILTRAP_API_TOKEN`. */
  readonly apiToken?: string | undefined;
  /**
   * Another base URL of the API, which is another than that for sending. Environment: `MAILTRAP_INBOUND_API_URL`.
   *
   * @default "https://mailtrap.io/api"
   */
  readonly inboundApiUrl?: string | undefined;
  /** The `fetch` to use instead of the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/**
 * Takes `inbound.message_received` of Mailtrap (webhook type `inbound_receiving`), and fetches each message as it came, a raw
 * `.eml`, by the API.
 *
 * @see https://docs.mailtrap.io/developers/inbound/messages
 * @throws ConfigurationError when there is nothing to verify by, or no API token
 * @example
 * ```ts
 * const inbound = inboundWebhook({ signingKey: "…", apiToken: "…", onEvent: ({ message }) => record(message.subject) });
 * ```
 */
export function inboundWebhook(options: MailtrapInboundOptions): WebhookHandler {
  const forms = {
    signingKey: { secrets: "INBOUND_SECRET" },
    apiToken: "text",
    inboundApiUrl: "text",
    fetch: (value: unknown) => typeof value === "function",
  } as const;
  return inboundHandler(
    { ...MAILTRAP, options: forms, verify: verifyBy, maxBodyBytes: 10_000_000, read },
    options,
  );
}

function verifyBy(options: MailtrapInboundOptions) {
  if (!options.apiToken) {
    throw new ConfigurationError(
      "Mailtrap: apiToken is required: pass it or set MAILTRAP_API_TOKEN; received messages are fetched by it",
      { provider: "Mailtrap" },
    );
  }
  return MAILTRAP.verify(options);
}

function read(
  post: WebhookPost,
  options: MailtrapInboundOptions,
  report: (error: unknown) => void,
): Promise<readonly InboundEvent[]> {
  const entries = entriesOf(post);
  if (entries.length === 0) throw noMessage("Mailtrap");
  return readMessages(entries, report, (entry) => readMessage(entry, options));
}

async function readMessage(entry: unknown, options: MailtrapInboundOptions): Promise<InboundEvent> {
  const event = recordOf(entry);
  if (!isMessage(event)) throw misdirected("Mailtrap", "event", stringOf(event["event"]) ?? undefined);
  const inbox = stringOf(event["inbox_id"] ?? event["inbound_inbox_id"]);
  const id = stringOf(event["message_id"]);
  if (!inbox || !id) throw noMessage("Mailtrap");
  const { apiToken, inboundApiUrl = "https://mailtrap.io/api", fetch } = options;
  const url = `${inboundApiUrl.replace(/\/+$/, "")}/${urlPath("inbound", "inboxes", inbox, "messages", id)}`;
  const answer = await fetchBytes("Mailtrap", url, { authorization: `Bearer ${apiToken}` }, fetch);
  const place = stringOf(recordOf(jsonOf(new TextDecoder().decode(answer)))["raw_message_url"]);
  if (!place) throw noMessage("Mailtrap");
  // The link is signed for an hour, and takes no token.
  const mime = await fetchBytes("Mailtrap", place, {}, fetch);
  const message = await inboundFromMime(requireMime("Mailtrap", mime));
  return inboundEvent("Mailtrap", entry, message, {
    eventId: idOf(event["event_id"]),
    timestamp: timeOf(event["timestamp"]),
  });
}

/** Inbound events have milliseconds where others have seconds. */
function timeOf(value: unknown): Date | null {
  const time = numberOf(value);
  return time === null ? null : dateOfSeconds(time > 1e11 ? time / 1000 : time);
}
