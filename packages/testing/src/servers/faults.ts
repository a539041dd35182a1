import type { RawRequest } from "./http-parser.js";

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * What a server does with a request, or with the connection it would come over.
 *
 * - `reset-on-accept`: resets the connection before anything is read.
 * - `reset-after-request`, `close-after-request`: reads the whole request, then resets or closes without an answer.
 * - `stall-before-headers`: reads the request and never answers.
 * - `stall-in-body`: answers with headers and half of the body, and no more.
 * - `truncated-body`: as that, but closes the connection.
 * - `invalid-http`: answers with what is not HTTP.
 * - `tls-break`: reads the request and sends bytes that are no TLS, as a proxy may in the middle of a connection; only with `tls`.
 * - `answer`: answers; `garbage` is an answer of 200 that is no JSON.
 */
export type Fault = FaultKind & {
  /** Whether the provider had taken the mail by then. Default: whether it answers 2xx. */
  readonly accepted?: boolean;
  /** Milliseconds to wait before doing it. */
  readonly delay?: number;
};

type FaultKind =
  | {
      readonly kind:
        | "reset-on-accept"
        | "reset-after-request"
        | "close-after-request"
        | "stall-before-headers"
        | "invalid-http"
        | "tls-break"
        | "garbage";
    }
  | ({ readonly kind: "stall-in-body" | "truncated-body" | "answer" } & Partial<Answer>);

/** Whether a mail counts as taken when a server did this. */
export function isAccepted(fault: Fault): boolean {
  if (fault.accepted !== undefined) return fault.accepted;
  if (fault.kind === "garbage") return true;
  if (fault.kind !== "answer" && fault.kind !== "stall-in-body" && fault.kind !== "truncated-body")
    return false;
  const status = fault.status ?? 200;
  return status >= 200 && status < 300;
}

/** What to do with a request: a fault, an answer of the server's own, or nothing special (`undefined`). */
export type Script = (request: RawRequest, index: number) => Fault | undefined;

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  202: "Accepted",
  429: "Too Many Requests",
  503: "Service Unavailable",
};

/** An answer as bytes; `cut` leaves out the second half of the body. */
export function writeAnswer(answer: Partial<Answer>, keepAlive: boolean, cut = false): string {
  const { status = 200, headers = {}, body = "{}" } = answer;
  const bytes = Buffer.byteLength(body);
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}`,
    ...Object.entries({ "content-type": "application/json", ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    ),
    `content-length: ${bytes}`,
    `connection: ${keepAlive ? "keep-alive" : "close"}`,
  ];
  const sent = cut
    ? Buffer.from(body)
        .subarray(0, Math.floor(bytes / 2))
        .toString("utf8")
    : body;
  return `${head.join("\r\n")}\r\n\r\n${sent}`;
}
