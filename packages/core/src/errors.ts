import type { AttemptRecord } from "./attempt.js";

/**
 * What is known of the mail when an error is thrown.
 *
 * - `not-sent`: the provider did not take it; sending it again makes no second copy.
 * - `unknown`: the request may have reached the provider, and no answer tells; sending again may duplicate.
 * - `accepted`: the provider took it, although its answer could not be read; never send again.
 */
export type Delivery = "not-sent" | "unknown" | "accepted";

/** The request an error speaks of, with every secret replaced. The body is left out: it is the mail itself. */
export interface RequestSummary {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What every {@link PosthornError} can be given. */
export interface ErrorDetails {
  /** Display name of the provider, such as `"Mailgun"`. */
  readonly provider?: string | undefined;
  readonly request?: RequestSummary | undefined;
  readonly retryable?: boolean | undefined;
  readonly delivery?: Delivery | undefined;
  readonly attempts?: readonly AttemptRecord[] | undefined;
  /** When sending may be tried again, where the provider or a rate limit said so. */
  readonly retryAt?: Date | undefined;
  readonly cause?: unknown;
}

/** Root of all errors that Posthorn throws. */
export class PosthornError extends Error {
  override readonly name: string = "PosthornError";
  /** Display name of the provider, where one is concerned. */
  readonly provider: string | undefined;
  readonly request: RequestSummary | undefined;
  /**
   * Whether the same message, sent again later, may succeed and cannot make a second copy: it was not sent, or it carries an
   * idempotency key of your own that the provider keeps for a day.
   */
  readonly retryable: boolean;
  readonly delivery: Delivery;
  /** Every attempt made, oldest first; empty when nothing went out. */
  readonly attempts: readonly AttemptRecord[];
  readonly retryAt: Date | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.provider = details.provider;
    this.request = details.request;
    this.retryable = details.retryable ?? false;
    this.delivery = details.delivery ?? "not-sent";
    this.attempts = details.attempts ?? [];
    this.retryAt = details.retryAt;
  }
}

/** An option is missing, unknown or of the wrong form. Nothing was sent. */
export class ConfigurationError extends PosthornError {
  override readonly name: string = "ConfigurationError";
}

/** The message cannot be sent as it is. Nothing was sent. */
export class InvalidMessageError extends PosthornError {
  override readonly name: string = "InvalidMessageError";
  /** The field at fault, as a path such as `attachments[0].content`. */
  readonly field: string | undefined;

  constructor(message: string, details: ErrorDetails & { readonly field?: string | undefined } = {}) {
    super(message, details);
    this.field = details.field;
  }
}

/** An address is not one that RFC 5322 allows (or is a group, which mail APIs do not take). */
export class InvalidAddressError extends InvalidMessageError {
  override readonly name: string = "InvalidAddressError";
}

/** A value cannot be written as JSON, or not in the form the provider needs. */
export class SerializationError extends InvalidMessageError {
  override readonly name: string = "SerializationError";
}

/** The provider cannot do what a field of the message asks for. Nothing was sent. */
export class UnsupportedFeatureError extends PosthornError {
  override readonly name: string = "UnsupportedFeatureError";
  /** The message field, such as `sendAt`. */
  readonly field: string;

  constructor(message: string, details: ErrorDetails & { readonly field: string }) {
    super(message, details);
    this.field = details.field;
  }
}

/** The provider answered, and the answer is an error, or cannot be read. */
export class ApiError extends PosthornError {
  override readonly name: string = "ApiError";
  /** HTTP status. A 2xx here is an answer that says no, or (with `delivery: "accepted"`) one that cannot be read. */
  readonly status: number;
  /** Headers of the answer, lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Body of the answer as text, secrets replaced; as far as it could be read. */
  readonly body: string;
  /** The provider's own code for the error, where its body has one. */
  readonly code: string | number | undefined;
  /** Whether an earlier request with the same idempotency key is still in progress: no other provider may be given the message. */
  readonly inProgress: boolean;

  constructor(
    message: string,
    details: ErrorDetails & {
      readonly inProgress?: boolean | undefined;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly code?: string | number | undefined;
    },
  ) {
    super(message, details);
    this.status = details.status;
    this.headers = details.headers;
    this.body = details.body;
    this.code = details.code;
    this.inProgress = details.inProgress ?? false;
  }
}

/**
 * Where a request failed without an answer.
 *
 * - `connect`: no connection was made, or there were no credentials to sign by, so nothing was sent.
 * - `read`: the request may have been sent.
 * - `other`: before sending, for a reason that a retry does not mend (a certificate, an abort).
 */
export type TransportPhase = "connect" | "read" | "other";

/** No answer came: the connection, TLS, a timeout, the deadline or the caller's abort. */
export class TransportError extends PosthornError {
  override readonly name: string = "TransportError";
  readonly phase: TransportPhase;
  /** The runtime's code for the failure (`ECONNREFUSED`), or `TIMEOUT`, `DEADLINE`, `ABORTED`, `RATE_LIMITED`. */
  readonly code: string | undefined;

  constructor(
    message: string,
    details: ErrorDetails & { readonly phase: TransportPhase; readonly code?: string | undefined },
  ) {
    super(message, details);
    this.phase = details.phase;
    this.code = details.code;
  }
}

/** A webhook post is not signed as the provider signs, is too old, or was seen before. */
export class WebhookSignatureError extends PosthornError {
  override readonly name: string = "WebhookSignatureError";
}

/**
 * What a hook of the caller's threw, as an error that says what is known of the mail: `cause` is the hook's own error.
 *
 * @param known the result or error that the hook was told of
 */
export function hookError(
  provider: string | undefined,
  hook: "postSend" | "onRetry" | "onRequest" | "onRequestError" | "onResponse",
  cause: unknown,
  known: Pick<PosthornError, "delivery" | "attempts"> & Partial<Pick<PosthornError, "retryable" | "retryAt">>,
): PosthornError {
  const { delivery, attempts, retryable, retryAt } = known;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `${provider ?? "Session"}: the hook "${hook}" failed: ${reason}`;
  return new PosthornError(message, { provider, delivery, attempts, retryable, retryAt, cause });
}

/** A post that cannot be taken: what it answers, and why. */
export class WebhookRequestError extends PosthornError {
  override readonly name: string = "WebhookRequestError";
  /** HTTP status of the answer. */
  readonly status: number;

  constructor(
    message: string,
    details: { readonly status: number; readonly provider?: string; readonly cause?: unknown },
  ) {
    super(message, details);
    this.status = details.status;
  }
}
