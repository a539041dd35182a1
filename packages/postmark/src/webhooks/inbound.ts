import {
  formatInboundAddress,
  headersOfList,
  type InboundAttachment,
  type InboundDetails,
  type InboundEvent,
  type InboundHeaders,
  type InboundMessage,
  inboundAttachment,
  inboundEvent,
  inboundFromMime,
  inboundMessage,
} from "@posthorn/core/inbound";
import {
  bytesOfBase64,
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
import { POSTMARK } from "./tracking.js";

/** Options of {@link inboundWebhook}. */
export interface PostmarkInboundOptions extends WebhookOptions<InboundEvent> {}

/**
 * Takes mail that Postmark received, parsed or with "Include raw email content".
 * https://postmarkapp.com/developer/webhooks/inbound-webhook
 *
 * @throws ConfigurationError when there is nothing to verify by
 */
export function inboundWebhook(options: PostmarkInboundOptions): WebhookHandler {
  return inboundHandler({ ...POSTMARK, read }, options);
}

async function read(post: WebhookPost): Promise<readonly InboundEvent[]> {
  const body = recordOf(post.json());
  const record = body["RecordType"];
  if (record !== undefined && record !== "Inbound") {
    throw misdirected("Postmark", "event", stringOf(record) ?? undefined);
  }
  return [await readMail(body)];
}

async function readMail(body: JsonRecord): Promise<InboundEvent> {
  const { RawEmail: mime, Attachments: files, ...raw } = body;
  const own = headersOfList(body["Headers"]);
  // The first is that of the delivery to Postmark; another is the mail's own.
  const returnPath = own.findIndex(([name]) => name.toLowerCase() === "return-path");
  const details: InboundDetails = {
    envelopeSender: own[returnPath]?.[1] ?? envelopeFrom(own),
    envelopeRecipient: stringOf(body["OriginalRecipient"]),
    strippedText: stringOf(body["StrippedTextReply"]),
    authentication: authenticationOf(own),
  };
  const bcc = addresses(body["BccFull"]);
  const message =
    typeof mime === "string"
      ? await fromMime(mime, details, bcc)
      : inboundMessage({
          ...details,
          headers: [
            ...headersOf(body, bcc),
            ...own.filter((header, at) => at !== returnPath && !isNamed(header[0])),
          ],
          text: stringOf(body["TextBody"]) ?? "",
          html: stringOf(body["HtmlBody"]) ?? "",
          attachments: listOf(files).filter(isRecord).map(readAttachment),
        });
  const spam: Partial<InboundMessage> = {
    // SpamAssassin's header begins with its verdict.
    spamDetected: /^yes/i.test(message.header("x-spam-status") ?? ""),
    spamScore: numberOf(message.header("x-spam-score")),
  };
  return inboundEvent("Postmark", raw, { ...message, ...spam }, { eventId: idOf(body["MessageID"]) });
}

async function fromMime(mime: string, details: InboundDetails, bcc: string): Promise<InboundMessage> {
  const message = await inboundFromMime(mime, details);
  // The mail itself does not tell of copies that nobody should see.
  return bcc === "" ? message : { ...message, headers: [...message.headers, ["Bcc", bcc]] };
}

/** Headers that Postmark takes out of the list and gives as members of their own. */
function headersOf(body: JsonRecord, bcc: string): InboundHeaders {
  const from = addresses([body["FromFull"]]) || stringOf(body["From"]) || "";
  const pairs: InboundHeaders = [
    ["From", from],
    ["To", addresses(body["ToFull"])],
    ["Cc", addresses(body["CcFull"])],
    ["Bcc", bcc],
    ["Subject", stringOf(body["Subject"]) ?? ""],
    ["Date", stringOf(body["Date"]) ?? ""],
    ["Reply-To", stringOf(body["ReplyTo"]) ?? ""],
  ];
  return pairs.filter(([name, value]) => value !== "" || name === "Subject");
}

function isNamed(name: string): boolean {
  return /^(?:from|to|cc|bcc|subject|date|reply-to)$/i.test(name);
}

function addresses(list: unknown): string {
  return listOf(list)
    .filter(isRecord)
    .map((entry) =>
      formatInboundAddress({ name: stringOf(entry["Name"]) ?? "", email: stringOf(entry["Email"]) ?? "" }),
    )
    .join(", ");
}

/** Postmark tells of SPF by a header (RFC 7208 section 9.1), and of DKIM by the tests of SpamAssassin. */
function authenticationOf(headers: InboundHeaders): InboundDetails["authentication"] {
  const header = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? "";
  const tests = header("x-spam-tests").split(/[\s,]+/);
  return {
    spf: /^\w+/.exec(header("received-spf"))?.[0] ?? null,
    dkim: tests.includes("DKIM_VALID") ? "pass" : tests.includes("DKIM_INVALID") ? "fail" : null,
  };
}

function envelopeFrom(headers: InboundHeaders): string | undefined {
  const spf = headers.find(([name]) => name.toLowerCase() === "received-spf")?.[1];
  return /envelope-from=["<]?([^\s;">]+)/.exec(spf ?? "")?.[1];
}

function readAttachment(file: JsonRecord): InboundAttachment {
  const contentId = stringOf(file["ContentID"]) || null;
  // "Check" of Postmark's settings posts `Data` where mail has `Content`.
  const content = stringOf(file["Content"] ?? file["Data"]) ?? "";
  return inboundAttachment(
    {
      filename: stringOf(file["Name"]),
      contentType: stringOf(file["ContentType"]) ?? "",
      contentId,
      inline: contentId !== null,
    },
    () => bytesOfBase64(content) ?? new Uint8Array(),
  );
}
