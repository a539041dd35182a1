import type { TransportPhase } from "../errors.js";

/** What is known of a request that failed without an answer. */
export interface Failure {
  readonly phase: TransportPhase;
  readonly code: string | undefined;
  readonly message: string;
}

/** No connection was made. Node's and Bun's error codes. */
const CONNECT_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ConnectionRefused",
  "FailedToOpenSocket",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "EAI_NODATA",
  "EAI_NONAME",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/**
 * The TLS handshake failed, so nothing was sent; it will fail again. Only handshake failures are named here: other
 * TLS errors can come in the middle of an answer.
 */
const TLS_CODES =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_(?:CA|PURPOSE)$|ERR_TLS_CERT_|ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL|SSLV3_ALERT_HANDSHAKE_FAILURE|TLSV1_ALERT_|TLSV1_UNRECOGNIZED_NAME|NO_PROTOCOLS_AVAILABLE|HTTP_REQUEST)|EPROTO$|ERR_OSSL_)/;

/** What Deno says while it connects; in that phase TLS failures come too, and are told apart by their words. */
const DENO_CONNECT = /client error \(Connect\)/;
const DENO_UNREACHED =
  /dns error|connection refused|tcp connect error|timed out|unreachable|os error 11[0-3]\b/i;

/**
 * Tells from an error that `fetch` threw how far the request had come. What is not recognised counts as `read`: it may
 * have been sent.
 */
export function classifyFailure(error: unknown): Failure {
  const chain = causes(error);
  const root = chain.at(-1);
  const message = root instanceof Error && root.message !== "" ? root.message : String(root);
  const codes = chain.map(codeOf).filter((code) => code !== undefined);
  const code = codes.at(-1);
  for (const link of chain) {
    const linkCode = codeOf(link);
    if (linkCode === undefined) continue;
    if (CONNECT_CODES.has(linkCode)) return { phase: "connect", code: linkCode, message };
    if (TLS_CODES.test(linkCode)) return { phase: "other", code: linkCode, message };
    if (linkCode === "ETIMEDOUT" && syscallOf(link) === "connect")
      return { phase: "connect", code: linkCode, message };
  }
  const text = chain.map((link) => (link instanceof Error ? link.message : String(link))).join("\n");
  if (DENO_CONNECT.test(text))
    return { phase: DENO_UNREACHED.test(text) ? "connect" : "other", code, message };
  return { phase: "read", code, message };
}

/** The error and what caused it, outermost first; the members of an `AggregateError` among them. */
export function causes(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let link = error;
  // Bounded, since nothing keeps a cause from being a cycle.
  for (let depth = 0; depth < 8 && link !== undefined && link !== null; depth++) {
    chain.push(link);
    if (link instanceof AggregateError) chain.push(...(link.errors as unknown[]));
    link = link instanceof Error ? link.cause : undefined;
  }
  return chain;
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function syscallOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "syscall" in error ? error.syscall : undefined;
}
