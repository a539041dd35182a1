import PostalMime, { type Email } from "postal-mime";
import { WebhookRequestError } from "../errors.js";
import { joinBytes } from "../webhooks/signature.js";
import { listOf, recordOf, stringOf } from "../webhooks/values.js";
import { decodeHeader, repairWindows1252 } from "./charset.js";
import { keepExactBytes } from "./exact-parts.js";
import {
  type InboundDetails,
  type InboundHeaders,
  type InboundMessage,
  inboundAttachment,
  inboundMessage,
} from "./message.js";

/** How deep parts may nest: mail that goes deeper was made to do harm. */
const MAX_NESTING = 100;

/**
 * Reads a mail.
 *
 * @param mime the mail as it came (RFC 5322, RFC 2045)
 * @param details what the provider tells beside it
 * @throws WebhookRequestError (400) for one that nests deeper than 100 parts, or has more than 2 MB of headers
 */
export async function inboundFromMime(
  mime: Uint8Array | string,
  details: InboundDetails = {},
): Promise<InboundMessage> {
  const given = typeof mime === "string" ? new TextEncoder().encode(mime) : mime;
  const bytes = startsWithHeader(given) ? given : joinBytes("\r\n", given);
  const email = await parse(keepExactBytes(bytes));
  const isMultipart = email.headers.some(
    ({ key, value }) => key === "content-type" && /^\s*multipart\//i.test(value),
  );
  return inboundMessage({
    ...details,
    headers: email.headers.map(({ originalKey, value }) => [originalKey, decodeHeader(value)] as const),
    text: bodyOf(email.text, isMultipart),
    html: bodyOf(email.html, isMultipart),
    attachments: email.attachments.map((file) =>
      inboundAttachment(
        {
          filename: file.filename,
          contentType: file.mimeType,
          contentId: file.contentId ?? null,
          inline: file.disposition === "inline" || (file.related === true && file.contentId !== undefined),
        },
        () => file.content,
      ),
    ),
    mime: new Blob([mime as BlobPart], { type: "message/rfc822" }),
  });
}

async function parse(mime: Uint8Array): Promise<Email> {
  try {
    return await PostalMime.parse(mime, {
      // A mail within a mail is a file like any other, not part of the text.
      forceRfc822Attachments: true,
      attachmentEncoding: "arraybuffer",
      maxNestingDepth: MAX_NESTING,
    });
  } catch (cause) {
    // Its own limits, of nesting and of headers: all else it makes something of.
    throw new WebhookRequestError(`the mail cannot be read: ${(cause as Error).message}`, {
      status: 400,
      cause,
    });
  }
}

/** A mail that lost its headers is all text; without an empty line before it, that would be taken for headers. */
function startsWithHeader(mime: Uint8Array): boolean {
  return /^(?:[!-9;-~]+[ \t]*:|From )/.test(new TextDecoder().decode(mime.subarray(0, 1000)));
}

/** The headers of a text of header lines, as SendGrid and others post them: folded ones joined, encoded words decoded. */
export async function parseHeaderLines(text: string): Promise<InboundHeaders> {
  const { headers } = await PostalMime.parse(`${text.replace(/[\r\n]+$/, "")}\r\n\r\n`);
  return headers.map(({ originalKey, value }) => [originalKey, decodeHeader(value)] as const);
}

/** Headers as providers give them in JSON: names with a value, or a list of values where a header is repeated. */
export function headersOfRecord(record: unknown): InboundHeaders {
  return Object.entries(recordOf(record)).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((single: unknown) => headerOf(name, single)),
  );
}

/** Headers as pairs, or as records of `name` and `value` in any case. */
export function headersOfList(list: unknown): InboundHeaders {
  return listOf(list).flatMap((entry) => {
    if (Array.isArray(entry)) return headerOf(entry[0], entry[1]);
    const record = recordOf(entry);
    return headerOf(record["name"] ?? record["Name"], record["value"] ?? record["Value"]);
  });
}

function headerOf(name: unknown, value: unknown): InboundHeaders {
  const text = stringOf(value);
  return typeof name === "string" && text !== null
    ? [[name, decodeHeader(text.replace(/\r?\n(?=[ \t])/g, ""))]]
    : [];
}

/**
 * The parser ends every line of a part, also the last one, whose end belongs to the boundary that follows it
 * (RFC 2046 section 5.1.1).
 */
function bodyOf(text: string | undefined, isMultipart: boolean): string | undefined {
  if (text === undefined) return undefined;
  return repairWindows1252(isMultipart && text.endsWith("\n") ? text.slice(0, -1) : text);
}
