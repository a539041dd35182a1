import type { AttemptRecord } from "../attempt.js";
import type { ByteChunks } from "../bytes/chunks.js";
import type { Delivery } from "../errors.js";
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
  /** Gives the headers of each attempt anew: for signatures that hold a date. */
  readonly sign?: ((now: number) => Promise<Readonly<Record<string, string>>>) | undefined;
  /** Whether the body of an answer other than 2xx says that trying again is in vain, whatever its status. */
  readonly isPermanent?: ((text: string) => boolean) | undefined;
  /** Display name, for errors. */
  readonly provider?: string | undefined;
  readonly redactor?: Redactor | undefined;
}

/** The last answer, whatever its status. */
export interface SessionResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Why the body could not be read to its end. */
  readonly bodyError: unknown;
  readonly attempts: readonly AttemptRecord[];
  /** What is known of the mail after all attempts. */
  readonly delivery: Delivery;
  /** Whether an attempt before the last may have been taken. */
  readonly uncertain: boolean;
  /** When the provider said to come back. */
  readonly retryAt: Date | undefined;
}
