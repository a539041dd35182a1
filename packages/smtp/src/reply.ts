import type { RecipientStatus } from "./core.js";

/** A server's reply (RFC 5321 section 4.2), its lines joined. */
export interface SmtpReply {
  /** The reply code, 200 to 599. */
  readonly status: number;
  /** The enhanced status code (RFC 3463), such as `"5.1.1"`. */
  readonly enhanced: string | undefined;
  /** The text after the codes. */
  readonly text: string;
}

/** Reads a reply; `undefined` for what is no SMTP reply. */
export function parseReply(response: unknown): SmtpReply | undefined {
  if (typeof response !== "string") return undefined;
  const lines = response.trim().split(/\r?\n/);
  const first = /^([2-5]\d{2})(?:[ -]|$)/.exec(lines[0] ?? "");
  if (!first) return undefined;
  const status = Number(first[1]);
  const texts = lines.map((line) => line.replace(/^\d{3}(?:[ -]|$)/, "").trim());
  // The class of an enhanced code is that of the reply code (RFC 2034 section 4); anything else is a part of the text.
  const codes = texts.map((text) => /^([245]\.\d{1,3}\.\d{1,3})(?:\s|$)/.exec(text)?.[1]);
  const enhanced = codes.find((code) => code?.[0] === first[1]?.[0]);
  const text = texts
    .map((line) => (enhanced && line.startsWith(enhanced) ? line.slice(enhanced.length).trim() : line))
    .filter((line) => line !== "")
    .join(" ");
  return { status, enhanced, text };
}

/** A reply on one line: `550 5.1.1 No such user`. */
export function formatReply({ status, enhanced, text }: SmtpReply): string {
  return [status, enhanced, text].filter((part) => part !== undefined && part !== "").join(" ");
}

/** Whether a reply says that the server did not take the message: 4yz for now, 5yz for good (RFC 5321 section 4.2.1). */
export function isRefusal({ status }: SmtpReply): boolean {
  return status >= 400;
}

const INVALID = /^5\.1\.(?:[0-36]|10)$/;
const REJECTED = /^5\.(?:2\.1|7\.\d+)$/;
const FAILED = /^5\.(?:2\.[23]|3\.4)$/;

/**
 * What a reply to RCPT says of the recipient, by its enhanced code where that is a telling one, otherwise by its reply code.
 *
 * @see RFC 3463 section 3, RFC 7505 (5.1.10)
 */
export function recipientStatus(reply: SmtpReply): RecipientStatus {
  const { status, enhanced = "" } = reply;
  if (!isRefusal(reply)) return "queued";
  if (status < 500) return "failed";
  if (INVALID.test(enhanced)) return "invalid";
  if (REJECTED.test(enhanced)) return "rejected";
  if (FAILED.test(enhanced)) return "failed";
  if (status === 553 || status === 501) return "invalid";
  return status === 550 || status === 551 || status === 554 ? "rejected" : "failed";
}

/** Milliseconds. Greylisting wants a second visit after some minutes (RFC 6647 section 2.2). */
const GREYLIST_DELAY = 300_000;

/** Milliseconds until a refused message may be tried again, where "at once" would be in vain. */
export function retryDelay({ status, enhanced }: SmtpReply): number | undefined {
  return status === 450 || enhanced === "4.7.1" ? GREYLIST_DELAY : undefined;
}

/** Cloudflare's endpoint. @see https://developers.cloudflare.com/email-service/api/send-emails/smtp/ */
const CLOUDFLARE = "smtp.mx.cloudflare.net";

/** Whether a refusal after the message's end may yet be delivered: Cloudflare documents `451 4.3.0` as accepted and deferred. */
export function mayBeAccepted(reply: SmtpReply, host: string): boolean {
  return host.toLowerCase() === CLOUDFLARE && reply.status === 451;
}

/** Whether a 250 says nothing of the recipients: Cloudflare's has no message id when all of them are suppressed. */
export function isUntelling(response: string, host: string): boolean {
  return host.toLowerCase() === CLOUDFLARE && serverMessageId(response) === undefined;
}

/** The id that a server gave a message, from the text of its 250: `queued as X` (Postfix), `id=X` (Exim), `<X@Y>`. */
export function serverMessageId(response: string): string | undefined {
  return (
    /\bqueued as ([^\s;,]+)/i.exec(response)?.[1] ??
    /\bid=([^\s;,]+)/i.exec(response)?.[1] ??
    /<([^<>\s@]+@[^<>\s@]+)>/.exec(response)?.[1]
  );
}
