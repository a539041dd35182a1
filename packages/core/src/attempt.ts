/** The class of a failed attempt: the budget of {@link RetryPolicy} that it draws on. */
export type FailureClass = "connect" | "read" | "other" | "status" | "redirect";

/** Why no further attempt was made. */
export type StopReason =
  | "success"
  | "not-retryable-status"
  /** The answer's body says that trying again is in vain: a quota that is used up, a refusal for good. */
  | "refused"
  | "method-not-allowed"
  | "class-disabled"
  | "retries-disabled"
  | "exhausted"
  /** The session's retry budget over all sends was spent. */
  | "budget"
  /** A hook of the session failed. */
  | "hook"
  | "deadline"
  | "aborted"
  | "accepted";

/** One HTTP attempt, as `result.attempts` and `error.attempts` list it. */
export interface AttemptRecord {
  /** 1 for the first. */
  readonly number: number;
  /** When it began, milliseconds since the epoch. */
  readonly startedAt: number;
  /** How long it took, milliseconds. */
  readonly duration: number;
  /** Absent when the attempt succeeded. */
  readonly class?: FailureClass;
  /** HTTP status, where an answer came. */
  readonly status?: number;
  /** Node's own `fetch` sends a request again by itself when the answer is a 421: this one was made twice. */
  readonly resent?: true;
  /** Code or text of the failure, where none came. */
  readonly error?: string;
  /** Seconds slept before the next attempt; absent on the last. */
  readonly delay?: number;
  /** Where `delay` came from. */
  readonly delaySource?: "none" | "backoff" | "retry-after";
  /** On the last attempt: why there is no other. */
  readonly stopped?: StopReason;
}
