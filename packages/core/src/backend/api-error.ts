import { ApiError } from "../errors.js";
import type { Redactor } from "../session/redact.js";
import type { SessionRequest, SessionResponse } from "../session/request.js";

/** What an error body says. */
export interface ProviderErrorInfo {
  /** The provider's explanation. */
  readonly message?: string | undefined;
  /** The provider's own code. */
  readonly code?: string | number | undefined;
  /** Whether the provider says that a later try may do better, where its status does not tell. `false` ends the retries. */
  readonly retryable?: boolean | undefined;
  /** Whether it says that the mail was refused, where its status (a 5xx) leaves that open. */
  readonly refused?: boolean | undefined;
  /** Whether it says that an earlier request with the same idempotency key was taken. */
  readonly alreadyAccepted?: boolean | undefined;
}

/** Statuses that say "not now" rather than "not this". */
const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The error that an response other than a readable 2xx becomes. */
export function apiErrorFrom(
  provider: string,
  redactor: Redactor,
  request: SessionRequest,
  response: SessionResponse,
  readError: (body: unknown) => ProviderErrorInfo,
): ApiError {
  const { status } = response;
  const said = response.delivery === "accepted" ? {} : readBody(response.text, readError);
  const refused = said.refused && response.delivery === "unknown" && !response.uncertain;
  const delivery = said.alreadyAccepted ? "accepted" : refused ? "not-sent" : response.delivery;
  const transient = said.retryable ?? (!said.refused && TRANSIENT.has(status));
  const explanation =
    response.delivery === "accepted" ? "its response could not be read to the end" : explain(said, response);
  const tries = response.attempts.length > 1 ? ` after ${response.attempts.length} attempts` : "";
  return new ApiError(redactor.text(`${provider} answered ${status}${tries}: ${explanation}`), {
    provider,
    status,
    headers: redactor.headers(response.headers),
    body: redactor.text(response.text),
    code: said.code,
    delivery,
    retryable:
      transient && (delivery === "not-sent" || (delivery === "unknown" && request.repeatable === true)),
    retryAt: response.retryAt,
    attempts: response.attempts,
    request: redactor.request(request),
    cause: response.bodyError === undefined ? undefined : redactor.error(response.bodyError),
  });
}

/** Whether an error's body says that trying again is in vain. */
export function isPermanent(text: string, readError: (body: unknown) => ProviderErrorInfo): boolean {
  const { retryable, refused, alreadyAccepted } = readBody(text, readError);
  return alreadyAccepted === true || retryable === false || (refused === true && retryable !== true);
}

function readBody(text: string, readError: (body: unknown) => ProviderErrorInfo): ProviderErrorInfo {
  try {
    return readError(JSON.parse(text));
  } catch {
    // Not JSON, or not of the form the provider documents: the text itself is shown.
    return {};
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
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
