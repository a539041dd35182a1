import { classifyFailure, type TransportPhase } from "./core.js";
import { formatReply, isRefusal, mayBeAccepted, parseReply, type SmtpReply } from "./reply.js";

/** What ended an attempt from outside. */
export type Cut = "TIMEOUT" | "DEADLINE" | "ABORTED";

/** What is known of a transporter when one of its sends fails. */
export interface SendState {
  /** Whether the message was read to its end, so that its final dot may have gone out. */
  readonly ended: boolean;
  /**
   * `stream`: the transporter sends nothing that counts before the message was read to its end, as SMTP does (only
   * `<CRLF>.<CRLF>` makes a server take a message, RFC 5321 section 4.1.1.4). `reply`: only a reply proves anything.
   */
  readonly proof: "stream" | "reply";
  /** Whether the transporter stops when it is told to. Nodemailer's do from 10 on; others may go on and send. */
  readonly stops: boolean;
  readonly cut: Cut | undefined;
  readonly host: string;
}

/** How an attempt failed. */
export interface SendFailure {
  /**
   * `reply`: the server refused. `transport`: there was no reply. `message`: the message is at fault. `options`: the
   * credentials are.
   */
  readonly kind: "reply" | "transport" | "message" | "options";
  readonly delivery: "not-sent" | "unknown";
  readonly reply: SmtpReply | undefined;
  /** The step that failed, such as `RCPT TO`. */
  readonly command: string | undefined;
  readonly phase: TransportPhase;
  /** The runtime's or Nodemailer's code, or that of the cut. */
  readonly code: string | undefined;
  readonly message: string;
  /** Refusals by recipient, where every recipient was refused. */
  readonly refused: readonly Refusal[];
}

/** A reply to RCPT. */
export interface Refusal {
  readonly recipient: string;
  readonly reply: SmtpReply;
}

/** Fields of Nodemailer's errors. */
interface ErrorFields {
  readonly code?: unknown;
  readonly originalCode?: unknown;
  readonly command?: unknown;
  readonly response?: unknown;
  readonly responseCode?: unknown;
  readonly rejectedErrors?: unknown;
  readonly message?: unknown;
}

/** Codes of Nodemailer that come before anything was sent, whatever the transport. */
const BEFORE_SENDING =
  /^(?:EAUTH|ENOAUTH|EOAUTH2|ECONFIG|EDNS|EPROXY|EMAXRECIPIENTS|EOTP|EFILEACCESS|EURLACCESS|EREQUIRETLS)$/;

/** Tells what an error of a transporter means. Nodemailer's own codes do not tell before the end of the message from after it. */
export function readFailure(error: unknown, state: SendState): SendFailure {
  const fields: ErrorFields = typeof error === "object" && error !== null ? error : {};
  const code = stringOf(fields.code);
  const command = stringOf(fields.command);
  const message = stringOf(fields.message) ?? String(error);
  const reply = replyOf(fields);
  const refused = refusalsOf(fields.rejectedErrors);
  const base = { reply, command, refused, message, code: state.cut ?? stringOf(fields.originalCode) ?? code };
  if (reply && isRefusal(reply)) {
    const isUncertain =
      state.proof === "stream" ? state.ended && mayBeAccepted(reply, state.host) : isForeign(reply);
    const delivery = isUncertain ? "unknown" : "not-sent";
    return { ...base, kind: "reply", delivery, phase: "other", message: formatReply(reply) };
  }
  if (refused.length > 0) {
    const [first] = refused;
    return { ...base, kind: "reply", reply: first?.reply, delivery: "not-sent", phase: "other" };
  }
  if (code === "EMESSAGE" && command === "MAIL FROM" && /size/i.test(message)) {
    // The server's SIZE (RFC 1870); what it would reply itself.
    const tooLarge: SmtpReply = { status: 552, enhanced: "5.3.4", text: message };
    return { ...base, kind: "reply", reply: tooLarge, delivery: "not-sent", phase: "other" };
  }
  if (command === "API" && (code === "EENVELOPE" || code === "EMESSAGE"))
    return { ...base, kind: "message", delivery: "not-sent", phase: "other" };
  if (code === "EOTP" || code === "EMAXRECIPIENTS" || code === "EFILEACCESS" || code === "EURLACCESS")
    return { ...base, kind: "message", delivery: "not-sent", phase: "other" };
  if (code === "EAUTH" || code === "EOAUTH2" || code === "ENOAUTH")
    return { ...base, ...authentication(message, base.code) };
  const sent =
    state.proof === "stream"
      ? state.ended || (state.cut !== undefined && !state.stops)
      : state.cut !== undefined || !isBeforeSending(error, code);
  if (sent) return { ...base, kind: "transport", delivery: "unknown", phase: "read" };
  return { ...base, kind: "transport", delivery: "not-sent", phase: unsentPhase(base.code, message, code) };
}

/** Whether a transport that is not SMTP failed before it can have sent anything. */
function isBeforeSending(error: unknown, code: string | undefined): boolean {
  return (code !== undefined && BEFORE_SENDING.test(code)) || classifyFailure(error).phase !== "read";
}

/** A 5xx without an enhanced code may be an HTTP status, which proves nothing. */
function isForeign({ status, enhanced }: SmtpReply): boolean {
  return status >= 500 && enhanced === undefined;
}

/** The OAuth2 token endpoint said no, was not reached, or there are no credentials for the mechanism. */
function authentication(
  message: string,
  code: string | undefined,
): Pick<SendFailure, "kind" | "delivery" | "phase" | "message"> {
  if (/^invalid_grant|^invalid_client|^unauthorized_client/i.test(message)) {
    const hint = `the OAuth2 token cannot be renewed (${message}): sign in again and pass the new refresh token in "auth.oauth2"`;
    return { kind: "options", delivery: "not-sent", phase: "other", message: hint };
  }
  if (/^Missing credentials|^Unknown authentication method|^Authentication info/i.test(message))
    return { kind: "options", delivery: "not-sent", phase: "other", message };
  // The endpoint, or the caller's own function.
  const phase =
    classifyFailure(Object.assign(new Error(message), { code })).phase === "other" ? "other" : "connect";
  return { kind: "transport", delivery: "not-sent", phase, message: `no access token: ${message}` };
}

/** Before the message's end all is retryable but what a retry does not mend: a certificate, a missing STARTTLS. */
function unsentPhase(
  code: string | undefined,
  message: string,
  nodemailerCode: string | undefined,
): TransportPhase {
  if (code === "ABORTED") return "other";
  if (nodemailerCode === "ECONFIG" || nodemailerCode === "EREQUIRETLS" || code === "ERR_ACCESS_DENIED")
    return "other";
  // Handshakes fail in each runtime's own words, and the next would fail in the same way.
  if (/^(?:ERR_SSL_|ERR_TLS_|CERT_)/.test(code ?? "")) return "other";
  const certificate = /certificate|self[- ]signed|altname|wrong version number|unknownissuer/i;
  if (
    classifyFailure(Object.assign(new Error(message), { code })).phase === "other" ||
    certificate.test(message)
  )
    return "other";
  return "connect";
}

function replyOf({ response, responseCode }: ErrorFields): SmtpReply | undefined {
  const parsed = parseReply(response);
  if (parsed) return parsed;
  // Some transports give the code alone.
  const isCode = typeof responseCode === "number" && responseCode >= 400 && responseCode < 600;
  return isCode ? { status: responseCode, enhanced: undefined, text: stringOf(response) ?? "" } : undefined;
}

/** The refusals that Nodemailer lists, in an error or beside a success. */
export function refusalsOf(list: unknown): readonly Refusal[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly (ErrorFields & { readonly recipient?: unknown })[]).flatMap((entry) => {
    const reply = replyOf(entry);
    const recipient = stringOf(entry.recipient);
    return reply && recipient !== undefined ? [{ recipient, reply }] : [];
  });
}

function stringOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
