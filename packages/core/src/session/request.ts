import type { AttemptRecord, StopReason } from "../attempt.js";
import type { ByteChunks } from "../bytes/chunks.js";
import type { Delivery } from "../errors.js";
import type { RetrySetting } from "../retry/defaults.js";
import type { Redactor } from "./redact.js";

/** One request, to be made as often as the policy allows. */
export interface SessionRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body:
    | string
    | Blob
    | FormData
    | URLSearchParams
    | Uint8Array<ArrayBuffer>
    | ByteChunks
    | undefined;
  /** Whether the provider drops a second copy of it, since it carries an idempotency key. */
  readonly idempotent?: boolean | undefined;
  /** Milliseconds that the provider keeps the key. Once it may be gone, what may have been taken is not tried again. */
  readonly idempotencyWindow?: number | undefined;
  /** Whether the same message, sent again hours later, makes no second copy: by a key of the caller's own. */
  readonly repeatable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for one attempt, instead of the session's. */
  readonly timeout?: number | undefined;
  /** What to retry, instead of the session's. */
  readonly retry?: RetrySetting | undefined;
  /** Called before each attempt. When it throws, the attempt is not made. */
  readonly onRequest?: (() => void | Promise<void>) | undefined;
  /** When the call ends at the latest, by `session.clock.monotonic()`: for several requests with one deadline. */
  readonly deadlineAt?: number | undefined;
  /** Gives the headers of each attempt anew: for signatures that hold a date. */
  readonly sign?: ((now: number) => Promise<Readonly<Record<string, string>>>) | undefined;
  /** What a response other than 2xx means, by the provider's own word. Default: what its status alone proves. */
  readonly judge?: ((response: ReceivedResponse) => Verdict) | undefined;
  /** Display name, for errors. */
  readonly provider?: string | undefined;
  readonly redactor?: Redactor | undefined;
}

/** A response as it came. */
export interface ReceivedResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body, as far as it could be read. */
  readonly text: string;
}

/** What a response other than 2xx means for the message and for further attempts. */
export interface Verdict {
  readonly delivery: Delivery;
  /** Whether the provider says that a later attempt may succeed: it is made although the policy does not list the status. */
  readonly retryable?: boolean | undefined;
  /** When the provider says so in another place than Retry-After. */
  readonly retryAt?: Date | undefined;
  /** Why there is to be no further attempt, whatever the policy says. */
  readonly stopped?: StopReason | undefined;
}

/** The last response, whatever its status. */
export interface SessionResponse extends ReceivedResponse {
  /** Why the body could not be read to its end. */
  readonly bodyError: unknown;
  readonly attempts: readonly AttemptRecord[];
  /** What is known of the message after all attempts. */
  readonly delivery: Delivery;
  /** Whether an attempt before the last may have been taken. */
  readonly uncertain: boolean;
  /** When the provider said to come back. */
  readonly retryAt: Date | undefined;
}

/**
 * What a status proves by itself. 4xx and 3xx reject, but for a 303, by which a server says that it has done what was asked. No 5xx
 * proves anything: proxies answer so for servers that were only slow, Varnish even with a Retry-After.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15
 */
export function deliveryOfStatus(status: number): Delivery {
  if (status >= 200 && status < 300) return "accepted";
  return status >= 300 && status < 500 && status !== 303 ? "not-sent" : "unknown";
}
