import type { TransportPhase } from "../errors.js";

/** What is known of a request that failed without a response. */
export interface Failure {
  readonly phase: TransportPhase;
  readonly code: string | undefined;
  readonly message: string;
}

/** What an error, of this realm or another, may tell. */
interface Link {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly host?: unknown;
  readonly hostname?: unknown;
  readonly port?: unknown;
  readonly path?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** No connection was made, or no address was found. An errno of the system says so only with its system call. */
const CONNECT_CODE = /^(?:ENOTFOUND|EAI_\w+|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket)$/;
const CONNECT_CALL = /^(?:connect$|getaddrinfo|query)/;
/** Node's words for a TLS handshake that the peer cut short; undici's for a proxy that opens no tunnel. */
const CONNECT_WORDS = /before secure TLS connection was established|when HTTP Tunneling$/;

/**
 * The TLS handshake failed, so nothing was sent; it will fail again. Only what ends a handshake is named here: other
 * errors of TLS, and Bun's `EPROTO`, can come in the middle of a response.
 */
const TLS_CODE =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_(?:CA|PURPOSE)$|ERR_TLS_CERT_|ERR_SSL_(?:WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|\S+_ALERT_(?:HANDSHAKE_FAILURE|PROTOCOL_VERSION)|TLSV1_UNRECOGNIZED_NAME|NO_PROTOCOLS_AVAILABLE|HTTP_REQUEST)$)/;
/** A port that `fetch` does not go to (Node, Deno), and what Deno or Node may not do. */
const REFUSED_HERE = /^bad port$|Requests to port \d+ are blocked|^Requires net access/;

/** What Deno says while it connects; in that phase TLS failures come too, and are told apart by their words. */
const DENO_CONNECT = /client error \(Connect\)/;
const DENO_UNREACHED =
  /dns error|connection re(?:fused|set)|tcp connect error|timed out|unreachable|handshake eof|os error 1\d\d\b/i;

/**
 * Tells from an error that `fetch` threw how far the request had come. What is not recognised counts as `read`: it may
 * have been sent.
 *
 * @param url of the request, where `fetch` is the caller's own: that may make further requests, whose failures prove nothing
 */
export function classifyFailure(error: unknown, url?: string): Failure {
  const chain = causes(error);
  const message = messageOf(chain.at(-1));
  const code = chain.map(codeOf).findLast((each) => each !== undefined);
  for (const link of chain) {
    const found = phaseOf(link);
    if (!found) continue;
    const phase = url !== undefined && isElsewhere(link, url) ? "read" : found;
    return { phase, code: codeOf(link) ?? code, message };
  }
  return { phase: "read", code, message };
}

function phaseOf(error: unknown): TransportPhase | undefined {
  const { syscall, path } = linkOf(error);
  const code = codeOf(error) ?? "";
  const text = messageOf(error);
  if (CONNECT_CODE.test(code) || CONNECT_CALL.test(String(syscall)) || CONNECT_WORDS.test(text))
    return "connect";
  // Bun names no system call, but the URL.
  if (code === "ECONNREFUSED" && syscall === undefined && path !== undefined) return "connect";
  if (DENO_CONNECT.test(text)) return DENO_UNREACHED.test(text) ? "connect" : "other";
  if (TLS_CODE.test(code) || code === "ERR_ACCESS_DENIED" || REFUSED_HERE.test(text)) return "other";
  return undefined;
}

/** Whether an error names another target than the URL. */
function isElsewhere(error: unknown, url: string): boolean {
  const { path, hostname, port } = linkOf(error);
  const target = new URL(url);
  const named = path ?? / for url \((\S+)\)/.exec(messageOf(error))?.[1];
  if (named !== undefined) return !URL.canParse(String(named)) || new URL(String(named)).host !== target.host;
  if (hostname !== undefined) return hostname !== target.hostname;
  return (
    port !== undefined && String(port) !== (target.port || (target.protocol === "https:" ? "443" : "80"))
  );
}

/** The error and what caused it, outermost first; the members of an `AggregateError` among them. */
export function causes(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let link = error;
  // Bounded, since nothing keeps a cause from being a cycle.
  for (let depth = 0; depth < 8 && link !== undefined && link !== null; depth++) {
    chain.push(link);
    const { errors, cause } = linkOf(link);
    if (Array.isArray(errors)) chain.push(...(errors as unknown[]));
    link = cause;
  }
  return chain;
}

/** The message of what was thrown, whatever it is. */
export function messageOf(error: unknown): string {
  const { message, name } = linkOf(error);
  if (typeof message === "string" && message !== "") return message;
  return String(typeof error === "object" ? (name ?? "unknown error") : error);
}

function codeOf(error: unknown): string | undefined {
  const { code } = linkOf(error);
  return typeof code === "string" ? code : undefined;
}

/** By shape, since an error of another realm is no instance of this one's `Error`. */
function linkOf(error: unknown): Link {
  return typeof error === "object" && error !== null ? error : {};
}
