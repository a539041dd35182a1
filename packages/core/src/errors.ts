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
  /** Code of the error. Each class has its own where none is given. */
  readonly code?: string | number | undefined;
  readonly request?: RequestSummary | undefined;
  readonly retryable?: boolean | undefined;
  readonly delivery?: Delivery | undefined;
  readonly attempts?: readonly AttemptRecord[] | undefined;
  /** When sending may be tried again, where the provider or a rate limit said so. */
  readonly retryAt?: Date | undefined;
  /** Whether the provider as a whole is unwell, so that a pool's breaker counts the error, where its class does not tell. */
  readonly isProviderSick?: boolean | undefined;
  /**
   * Whether an earlier request with the same idempotency key is under way at the provider: it is asked again with that key, and no
   * pool goes on to another provider.
   */
  readonly inProgress?: boolean | undefined;
  readonly cause?: unknown;
}

/** The codes of errors that Posthorn itself finds. `ApiError` and `TransportError` carry those of providers and runtimes. */
export type PosthornErrorCode =
  | "CONFIGURATION"
  | "INVALID_MESSAGE"
  | "INVALID_ADDRESS"
  | "NOT_SERIALIZABLE"
  | "UNSUPPORTED_FEATURE"
  | "RECIPIENTS_REFUSED"
  | "POOL_FAILED"
  | "WEBHOOK_SIGNATURE"
  | "WEBHOOK_REQUEST"
  | "HOOK_FAILED"
  | "UNEXPECTED";

/** Longest string that `toJSON` and `console.log` show of one field. */
const SHOWN = 1000;

/**
 * Root of all errors that Posthorn throws. `instanceof` holds for errors of another copy of this package and of another realm.
 *
 * @example
 * ```ts
 * try {
 *   await mail.send(message);
 * } catch (error) {
 *   if (error instanceof PosthornError && error.retryable) await queue.retry(message, error.retryAt);
 * }
 * ```
 */
export class PosthornError extends Error {
  /** Name of the class in every copy of this package: what instances are marked with. */
  static readonly kind: string = "PosthornError";
  /** The code of errors that are given no other. */
  static readonly code: PosthornErrorCode | undefined;
  /** Name of the class. */
  override readonly name!: string;
  readonly code: string | number | undefined;
  /** Display name of the provider, where one is concerned. */
  readonly provider: string | undefined;
  readonly request: RequestSummary | undefined;
  /**
   * Whether the same message, sent again later, may succeed and cannot make a second copy: it was not sent, or it carries an
   * idempotency key of your own that the provider keeps for a day.
   */
  readonly retryable!: boolean;
  readonly delivery!: Delivery;
  /** Every attempt made, oldest first; empty when nothing went out. */
  readonly attempts!: readonly AttemptRecord[];
  readonly retryAt: Date | undefined;
  /** Whether the provider as a whole is unwell, where the class and status of the error do not tell. */
  readonly isProviderSick: boolean | undefined;
  /** Whether an earlier request with the same idempotency key is under way at the provider. */
  readonly inProgress: boolean | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    const { cause, ...fields } = details;
    super(message, cause === undefined ? undefined : { cause });
    const { kind, code } = new.target;
    Object.defineProperty(this, "name", { value: kind, writable: true, configurable: true });
    for (const part of [{ code, delivery: "not-sent", retryable: false, attempts: [] }, fields]) {
      // What is not known is absent, so that nothing shows it.
      for (const [field, value] of Object.entries(part)) {
        if (value !== undefined) (this as Record<string, unknown>)[field] = value;
      }
    }
    for (let type = new.target; type.kind; type = Object.getPrototypeOf(type) as typeof type) {
      Object.defineProperty(this, Symbol.for(`posthorn.${type.kind}`), { value: true });
    }
  }

  /** By mark, which errors of another copy of this package carry too. Subclasses of your own work as usual. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: each subclass asks for its own mark
    return hasMark(this, value);
  }

  /** The error as plain data. A long body is cut; of the cause there are name, message and code. */
  toJSON(): Record<string, unknown> {
    const { name, message, cause } = this;
    const { code } = (cause ?? {}) as { code?: unknown };
    const fields = Object.entries(this).map(([field, value]) => [
      field,
      typeof value === "string" ? value.slice(0, SHOWN) : (value as unknown),
    ]);
    return {
      name,
      message,
      ...Object.fromEntries(fields),
      ...(cause === undefined ? {} : { cause: { name: nameOf(cause), message: reasonOf(cause), code } }),
    };
  }

  /** What `console.log` shows in Node, Deno and Bun: at most a screen. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const { name, message, ...fields } = this.toJSON();
    const calls = (this.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
    const shown = Object.entries(fields).map(([field, value]) => `  ${field}: ${briefly(value)}`);
    return [`${name as string}: ${(message as string).slice(0, SHOWN)}`, ...calls.slice(0, 8), ...shown].join(
      "\n",
    );
  }
}

function hasMark(type: typeof PosthornError, value: unknown): boolean {
  return Object.hasOwn(type, "kind")
    ? typeof value === "object" && value !== null && Symbol.for(`posthorn.${type.kind}`) in value
    : Function.prototype[Symbol.hasInstance].call(type, value);
}

/** The message of whatever was thrown, by whichever realm. */
export function reasonOf(thrown: unknown): string {
  const { message } = (thrown ?? {}) as { message?: unknown };
  return typeof message === "string" && message !== "" ? message : String(thrown);
}

/** As JSON, as far as it fits; a subclass's field may be none. */
function briefly(value: unknown): string {
  try {
    return JSON.stringify(value).slice(0, SHOWN / 4);
  } catch {
    return String(value);
  }
}

function nameOf(thrown: unknown): unknown {
  return (thrown as { name?: unknown } | null)?.name;
}

/** An option is missing, unknown or malformed. Nothing was sent. */
export class ConfigurationError extends PosthornError {
  static override readonly kind: string = "ConfigurationError";
  static override readonly code: PosthornErrorCode = "CONFIGURATION";
  declare readonly name: "ConfigurationError";
  declare readonly code: "CONFIGURATION";
}

/** The message cannot be sent as it is. Nothing was sent. */
export class InvalidMessageError extends PosthornError {
  static override readonly kind: string = "InvalidMessageError";
  static override readonly code: PosthornErrorCode = "INVALID_MESSAGE";
  declare readonly name: "InvalidMessageError" | "InvalidAddressError" | "SerializationError";
  declare readonly code: "INVALID_MESSAGE" | "INVALID_ADDRESS" | "NOT_SERIALIZABLE";
  /** The field at fault, as a path such as `attachments[0].content`. */
  readonly field: string | undefined;

  constructor(message: string, details: ErrorDetails & { readonly field?: string | undefined } = {}) {
    super(message, details);
  }
}

/** An address is not one that RFC 5322 allows (or is a group, which mail APIs do not take). */
export class InvalidAddressError extends InvalidMessageError {
  static override readonly kind: string = "InvalidAddressError";
  static override readonly code: PosthornErrorCode = "INVALID_ADDRESS";
  declare readonly name: "InvalidAddressError";
  declare readonly code: "INVALID_ADDRESS";
}

/** A value cannot be written as JSON, or not in the form the provider needs. */
export class SerializationError extends InvalidMessageError {
  static override readonly kind: string = "SerializationError";
  static override readonly code: PosthornErrorCode = "NOT_SERIALIZABLE";
  declare readonly name: "SerializationError";
  declare readonly code: "NOT_SERIALIZABLE";
}

/** The provider cannot do what a field of the message asks for. Nothing was sent. */
export class UnsupportedFeatureError extends PosthornError {
  static override readonly kind: string = "UnsupportedFeatureError";
  static override readonly code: PosthornErrorCode = "UNSUPPORTED_FEATURE";
  declare readonly name: "UnsupportedFeatureError";
  declare readonly code: "UNSUPPORTED_FEATURE";
  /** The message field, such as `sendAt`. */
  readonly field!: string;

  constructor(message: string, details: ErrorDetails & { readonly field: string }) {
    super(message, details);
  }
}

/** The provider responded, and the response is an error, or cannot be read. */
export class ApiError extends PosthornError {
  static override readonly kind: string = "ApiError";
  declare readonly name: "ApiError";
  /**
   * HTTP status (of SMTP: the reply code). A 2xx here is a response that reports a rejection, or (with
   * `delivery: "accepted"`) one that cannot be read.
   */
  readonly status!: number;
  /** Headers of the response, lower-case names. */
  readonly headers!: Readonly<Record<string, string>>;
  /** Body of the response as a string, secrets replaced; as far as it could be read. */
  readonly body!: string;
  /** The provider's own code for the error, where its body has one. */
  declare readonly code: string | number | undefined;

  constructor(
    message: string,
    details: ErrorDetails & {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    },
  ) {
    super(message, details);
  }
}

/**
 * Where a request failed without a response.
 *
 * - `connect`: no connection was made, or there were no credentials to sign by, so nothing was sent.
 * - `read`: the request may have been sent.
 * - `other`: before sending, for a reason that a retry does not mend (a certificate, an abort).
 */
export type TransportPhase = "connect" | "read" | "other";

/** No response came: the connection, TLS, a timeout, the deadline or the caller's abort. */
export class TransportError extends PosthornError {
  static override readonly kind: string = "TransportError";
  declare readonly name: "TransportError";
  readonly phase!: TransportPhase;
  /** The runtime's code for the failure (`ECONNREFUSED`), or `TIMEOUT`, `DEADLINE`, `ABORTED`, `RATE_LIMITED`. */
  declare readonly code: string | undefined;

  constructor(
    message: string,
    details: ErrorDetails & { readonly phase: TransportPhase; readonly code?: string | undefined },
  ) {
    super(message, details);
  }
}

/** A webhook post is not signed as the provider signs, is too old, or was seen before. */
export class WebhookSignatureError extends PosthornError {
  static override readonly kind: string = "WebhookSignatureError";
  static override readonly code: PosthornErrorCode = "WEBHOOK_SIGNATURE";
  declare readonly name: "WebhookSignatureError";
  declare readonly code: "WEBHOOK_SIGNATURE";
}

/**
 * What a hook of the caller's threw, as an error that says what is known of the mail: `cause` is the hook's own error.
 *
 * @param known the result or error that the hook was told of
 */
export function hookError(
  provider: string | undefined,
  hook: "preSend" | "postSend" | "onRetry" | "onRequest" | "onRequestError" | "onResponse",
  cause: unknown,
  known: Pick<PosthornError, "delivery" | "attempts"> & Pick<ErrorDetails, "retryable" | "retryAt">,
): PosthornError {
  const { delivery, attempts, retryable, retryAt } = known;
  const message = `${provider ?? "Session"}: the hook "${hook}" failed: ${reasonOf(cause)}`;
  const details = { provider, delivery, attempts, retryable, retryAt, cause };
  return new PosthornError(message, { ...details, code: "HOOK_FAILED" satisfies PosthornErrorCode });
}

/** A post that cannot be taken: what it answers, and why. */
export class WebhookRequestError extends PosthornError {
  static override readonly kind: string = "WebhookRequestError";
  static override readonly code: PosthornErrorCode = "WEBHOOK_REQUEST";
  declare readonly name: "WebhookRequestError";
  declare readonly code: "WEBHOOK_REQUEST";
  /** HTTP status of the response to it. */
  readonly status!: number;

  constructor(
    message: string,
    details: { readonly status: number; readonly provider?: string; readonly cause?: unknown },
  ) {
    super(message, details);
  }
}
