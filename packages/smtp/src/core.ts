// Everything that this package takes from core, so that a change there is a change here alone.
import {
  type BackendOptions,
  type Clock,
  ConfigurationError,
  type ErrorDetails,
  type Features,
  type Message,
  PosthornError,
  RETRY_UNSENT,
  RetryPolicy,
  type RetrySetting,
  type SendResult,
  Session,
} from "@posthorn/core";
import {
  makeResult,
  type NormalizedMessage,
  normalizeMessage,
  type ReportUnsupported,
} from "@posthorn/core/provider";

export {
  type Address,
  ApiError,
  type Attachment,
  type AttemptRecord,
  type Backend,
  ConfigurationError,
  type DryRunRequest,
  InvalidMessageError,
  type Message,
  type MessageFor,
  PosthornError,
  type PostSend,
  type RecipientReason,
  type RecipientResult,
  type RecipientStatus,
  RecipientsRefusedError,
  type RetryPolicy,
  type SendManyOptions,
  type SendOptions,
  type SendOutcome,
  type SendResult,
  type Session,
  type StopReason,
  TransportError,
  type TransportPhase,
} from "@posthorn/core";
export {
  checkSendOptions,
  classifyFailure,
  defineFeatures,
  forRecipient,
  makeResult,
  mergeDefaults,
  type NormalizedMessage,
  type OptionSpecs,
  Redactor,
  type ReportUnsupported,
  readEnv,
  recipientGroups,
  requireFrom,
  resolveOptions,
  sendMany,
  unsupportedReporter,
} from "@posthorn/core/provider";

/**
 * Replies of 4yz that are tried again at once: the server closes, a mailbox is busy, a local error, too little storage or too
 * many recipients, a temporary failure of authentication (RFC 5321 section 4.2.3, RFC 4954 section 4.7.12).
 */
const SMTP_FORCELIST: readonly number[] = [421, 450, 451, 452, 454];

/** What a send retries: by default what is proven unsent. */
function smtpRetry(setting: RetrySetting | undefined): RetryPolicy {
  if (setting instanceof RetryPolicy) return setting;
  if (setting === false) return new RetryPolicy({ total: false, deadline: 60 });
  const base = RETRY_UNSENT.with({ statusForcelist: SMTP_FORCELIST });
  if (setting === undefined) return base;
  return base.with(typeof setting === "number" ? { total: setting } : setting);
}

/** Options of backends that belong to HTTP sessions. */
type HttpOption = "apiUrl" | "fetch" | "session" | "retryBudget" | "breaker";
const HTTP_OPTIONS: readonly HttpOption[] = ["apiUrl", "fetch", "session", "retryBudget", "breaker"];

/** Options that every backend takes, but for those of HTTP sessions. */
export type MailBackendOptions<F extends Features> = Omit<BackendOptions<F>, HttpOption>;

/** @throws ConfigurationError for an option that would have no effect */
export function refuseHttpOptions(provider: string, options: object): void {
  for (const name of HTTP_OPTIONS) {
    if (typeof options === "object" && options !== null && name in options)
      throw new ConfigurationError(`${provider}: unknown option "${name}": it belongs to HTTP sessions`, {
        provider,
      });
  }
}

/** The rate limiter, clock and policy of a backend: a session that makes no request. */
export function sendingSession<F extends Features>(options: MailBackendOptions<F>): Session {
  const { timeout, rateLimit, onRetry, clock } = options;
  return new Session({ retry: smtpRetry(options.retry), timeout, rateLimit, onRetry, clock });
}

/** Checks a message and puts it into one form. */
export function normalize(message: Message): Promise<NormalizedMessage> {
  return normalizeMessage(message, "raw");
}

/** Takes out of a message what the backend does not have, reporting each field. */
export function dropUnsupported(
  message: NormalizedMessage,
  features: Features,
  report: ReportUnsupported,
): NormalizedMessage {
  let kept = message;
  for (const field of ABSENT) {
    const value = message[field];
    if (features[field] !== false || value === undefined || (Array.isArray(value) && value.length === 0))
      continue;
    report(field);
    kept = { ...kept, [field]: Array.isArray(value) ? [] : undefined };
  }
  return kept;
}

const ABSENT = [
  "metadata",
  "sendAt",
  "tags",
  "trackClicks",
  "trackOpens",
  "templateId",
  "mergeData",
  "mergeGlobalData",
  "mergeMetadata",
  "idempotencyKey",
] as const;

/** The result of a message that a `preSend` hook cancelled. */
export function cancelledResult(provider: string): SendResult {
  return { ...makeResult({ provider, recipients: {} }), status: "cancelled" };
}

/** What a hook threw, as an error that says what is known of the message. */
export function hookError(
  provider: string,
  hook: "postSend" | "onRetry",
  cause: unknown,
  known: Pick<ErrorDetails, "delivery" | "attempts" | "retryable" | "retryAt">,
): PosthornError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PosthornError(`${provider}: the hook "${hook}" failed: ${reason}`, {
    provider,
    ...known,
    cause,
  });
}

/** Waits; rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.setTimer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Of several errors the one that leaves the most doubt. */
export function mostUncertain(errors: readonly PosthornError[]): PosthornError | undefined {
  return ["accepted", "unknown", "not-sent"]
    .map((delivery) => errors.find((error) => error.delivery === delivery))
    .find(Boolean);
}

export function listOf<T>(given: T | readonly T[] | undefined): readonly T[] {
  return given === undefined ? [] : Array.isArray(given) ? (given as readonly T[]) : [given as T];
}
