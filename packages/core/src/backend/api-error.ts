import { ApiError } from "../errors.js";
import { parseRetryAfter } from "../retry/retry-after.js";
import type { Redactor } from "../session/redact.js";
import {
  deliveryOfStatus,
  type ReceivedResponse,
  type SessionRequest,
  type SessionResponse,
  type Verdict,
} from "../session/request.js";

/** What an error response says. */
export interface ProviderErrorInfo {
  /** The provider's explanation. */
  readonly message?: string | undefined;
  /** The provider's own code. */
  readonly code?: string | number | undefined;
  /**
   * Whether the provider says that a later attempt may succeed, where its status does not tell: such an attempt is made when the message
   * is proven not sent. `false` ends the retries.
   */
  readonly retryable?: boolean | undefined;
  /** When the provider says to try again, where that is not in Retry-After. It makes the error `retryable`. */
  readonly retryAt?: Date | undefined;
  /** Whether it says that the message was refused, where its status (a 5xx) leaves that open. */
  readonly refused?: boolean | undefined;
  /** Whether it says that an earlier request with the same idempotency key was taken. */
  readonly alreadyAccepted?: boolean | undefined;
  /**
   * Whether it says that an earlier request with the same idempotency key is still in progress. The session waits and asks again with
   * that key; no pool gives the message to another provider.
   */
  readonly inProgress?: boolean | undefined;
}

/**
 * Reads an error response.
 *
 * @param body parsed JSON; `undefined` when it is none
 * @param headers lower-case names
 */
export type ReadError = (
  body: unknown,
  headers: Readonly<Record<string, string>>,
  status: number,
) => ProviderErrorInfo;

/** Statuses that say "not now" rather than "not this". */
const TRANSIENT: ReadonlySet<number> = new Set([408, 421, 425, 429, 500, 502, 503, 504]);

/** The error that a response other than a readable 2xx becomes. */
export function apiErrorFrom(
  provider: string,
  redactor: Redactor,
  request: SessionRequest,
  response: SessionResponse,
  readError: ReadError,
): ApiError {
  const { status, delivery } = response;
  const isCut = status < 300;
  const said = isCut ? {} : readResponse(response, readError);
  const { inProgress = false, refused, retryAt } = said;
  const transient =
    said.retryable ?? (inProgress || retryAt !== undefined || (!refused && TRANSIENT.has(status)));
  const explanation = isCut ? "its response could not be read to the end" : explain(said, response);
  const tries = response.attempts.length > 1 ? ` after ${response.attempts.length} attempts` : "";
  return new ApiError(redactor.text(`${provider} answered ${status}${tries}: ${explanation}`), {
    provider,
    status,
    headers: redactor.headers(response.headers),
    body: redactor.text(response.text),
    code: said.code,
    delivery,
    inProgress,
    retryable:
      transient && (delivery === "not-sent" || (delivery === "unknown" && request.repeatable === true)),
    retryAt: response.retryAt,
    attempts: response.attempts,
    request: redactor.request(request),
    cause: response.bodyError === undefined ? undefined : redactor.error(response.bodyError),
  });
}

/**
 * What an error response means. A proxy between here and the provider may make a 413, 429 or 503 too, after it has passed the request
 * on, so a web page with these proves nothing, and a 503 must have the provider's own form and a Retry-After.
 *
 * @param idempotent whether a second copy would be dropped, so that what is not proven may be tried again
 */
export function judge(response: ReceivedResponse, readError: ReadError, idempotent: boolean): Verdict {
  const { status, headers } = response;
  const { message, code, retryable, retryAt, refused, alreadyAccepted, inProgress } = readResponse(
    response,
    readError,
  );
  if (alreadyAccepted) return { delivery: "accepted", stopped: "refused" };
  if (inProgress) return { delivery: "unknown", retryable: true, retryAt };
  const isOwn = Boolean(message) || code !== undefined;
  let delivery = refused ? "not-sent" : deliveryOfStatus(status);
  if (status === 503 && isOwn && parseRetryAfter(headers["retry-after"] ?? "", 0) !== undefined)
    delivery = "not-sent";
  const isPage = !isOwn && /^\s*</.test(response.text);
  if (isPage && (status === 413 || status === 429)) delivery = "unknown";
  return {
    delivery,
    retryAt,
    retryable: retryable ?? (retryAt !== undefined && !refused),
    stopped:
      retryable === false || (refused && !retryable)
        ? "refused"
        : isPage && delivery === "unknown" && status < 500 && !idempotent
          ? "not-retryable-status"
          : undefined,
  };
}

function readResponse({ text, headers, status }: ReceivedResponse, readError: ReadError): ProviderErrorInfo {
  try {
    return readError(parsed(text), headers, status);
  } catch {
    // Not of the form that the provider documents: the text itself is shown.
    return {};
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function explain(said: ProviderErrorInfo, response: SessionResponse): string {
  const code = said.code === undefined ? "" : ` (${said.code})`;
  if (said.message) return `${said.message}${code}`;
  const location = response.headers["location"];
  if (response.status >= 300 && response.status < 400 && location)
    return `it redirects to ${location}; is "apiUrl" right?`;
  const text = response.text.trim();
  if (text === "") return `no explanation${code}`;
  // Of a proxy's page, only the title is for people.
  if (/^<(?:!doctype|html|head)/i.test(text)) {
    const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1]?.replace(/\s+/g, " ").trim();
    return title ? `an HTML page, "${title.slice(0, 200)}"` : "an HTML page";
  }
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
