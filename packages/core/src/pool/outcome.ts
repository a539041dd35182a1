import {
  ApiError,
  ConfigurationError,
  type Delivery,
  InvalidMessageError,
  PosthornError,
  reasonOf,
  TransportError,
  UnsupportedFeatureError,
} from "../errors.js";
import { type MessageId, type RecipientResults, RecipientsRefusedError, type SendResult } from "../result.js";
import { PoolError } from "./pool.js";

/**
 * Whose the fault is when a send fails.
 *
 * - `none`: it did not fail, or the provider accepted the message all the same.
 * - `message`: the message cannot go as it is, to any provider or to this one.
 * - `recipients`: all of them were refused.
 * - `provider`: it is unwell or out of reach, or asks to wait.
 * - `account`: a key, a quota or a setting; no message of this account goes.
 */
export type Fault = "none" | "message" | "recipients" | "provider" | "account";

/** What a send came to, in the terms that a queue decides on. */
export interface Outcome {
  readonly delivery: Delivery;
  readonly fault: Fault;
  /** Whether a later attempt may succeed. `delivery` says whether it is safe. */
  readonly retryable: boolean;
  /** When the provider said to try again, milliseconds since the epoch. */
  readonly retryAt: number | undefined;
  /** The provider; of a pool the member that has the message or may have it, otherwise the last. */
  readonly provider: string | undefined;
  readonly messageId: MessageId | undefined;
  readonly recipients: RecipientResults | undefined;
  /** HTTP status, or SMTP reply code. */
  readonly status: number | undefined;
  readonly code: string | number | undefined;
  /** The error's message, secrets replaced. */
  readonly error: string | undefined;
  /** Whether a `preSend` hook cancelled the message. */
  readonly cancelled: boolean;
}

/** The handshake failed, whatever is sent. */
const CERTIFICATE =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_|ERR_TLS_|ERR_SSL_|EPROTO$|ERR_OSSL_)/;

/**
 * What a send came to, from its result or from whatever it threw. Errors are told by mark, so those of another copy of this package
 * count alike.
 *
 * @example
 * ```ts
 * const outcome = await mail.send(message).then(
 *   (result) => outcomeOf({ result }),
 *   (error) => outcomeOf({ error }),
 * );
 * if (outcome.delivery === "not-sent" && outcome.retryable) await queue.retry(message, outcome.retryAt);
 * ```
 */
export function outcomeOf(settled: { readonly result: SendResult } | { readonly error: unknown }): Outcome {
  const none = { retryAt: undefined, messageId: undefined, recipients: undefined, status: undefined };
  if ("result" in settled) {
    const { result } = settled;
    const cancelled = result.status === "cancelled";
    return {
      ...none,
      delivery: cancelled ? "not-sent" : "accepted",
      fault: "none",
      retryable: false,
      provider: providerOf(result),
      messageId: result.messageId ?? undefined,
      recipients: result.recipients,
      code: undefined,
      error: undefined,
      cancelled,
    };
  }
  const { error } = settled;
  if (!(error instanceof PosthornError)) {
    // A backend of the caller's own may throw anything, at any time: nothing is proven.
    const unproven = { delivery: "unknown", fault: "message", retryable: false, cancelled: false } as const;
    return { ...none, ...unproven, provider: undefined, code: undefined, error: reasonOf(error) };
  }
  const fault = error.delivery === "accepted" ? "none" : faultOf(error);
  return {
    delivery: error.delivery,
    fault,
    retryable: fault === "provider" || fault === "account",
    retryAt: error.retryAt?.getTime(),
    provider: providerOf(error),
    messageId: undefined,
    recipients: error instanceof RecipientsRefusedError ? error.result.recipients : undefined,
    status: error instanceof ApiError ? error.status : undefined,
    code: error.code,
    error: error.message,
    cancelled: false,
  };
}

/** A pool's error is about the member that may have the message; about the last one otherwise. */
function providerOf(settled: PosthornError | SendResult): string | undefined {
  if (!(settled instanceof PoolError)) return settled.provider;
  const doubtful = settled.route.find(({ error }) => error && error.delivery !== "not-sent");
  return (doubtful ?? settled.route.at(-1))?.provider ?? settled.provider;
}

function faultOf(error: PosthornError): Exclude<Fault, "none"> {
  if (error.isProviderSick) return "provider";
  if (error instanceof PoolError) return faultOfPool(error);
  if (error instanceof RecipientsRefusedError) return "recipients";
  if (error instanceof ConfigurationError) return "account";
  if (error instanceof InvalidMessageError || error instanceof UnsupportedFeatureError) return "message";
  if (error instanceof ApiError) return faultOfResponse(error);
  if (error instanceof TransportError)
    return error.phase === "other" && CERTIFICATE.test(error.code ?? "") ? "account" : "provider";
  // What a hook threw.
  return "message";
}

function faultOfResponse({ status, retryable, delivery }: ApiError): Exclude<Fault, "none"> {
  if ([401, 402, 403].includes(status)) return "account";
  // Too many requests, and waiting does not help: a quota is used up.
  if (status === 429) return retryable || delivery !== "not-sent" ? "provider" : "account";
  if ([408, 421, 425].includes(status) || status >= 500) return "provider";
  // A redirect, which sessions do not follow: the API's URL is wrong.
  if (status >= 300 && status < 400) return "account";
  // A provider may say with any status that a later attempt helps.
  return retryable ? "provider" : "message";
}

/** Of several members' faults, the one that says most of what to do: a provider that may recover, then an account to mend. */
function faultOfPool({ route }: PoolError): Exclude<Fault, "none"> {
  const faults = new Set(
    route.map(({ error, outcome }) => (error ? faultOf(error) : outcome === "open" ? "provider" : "message")),
  );
  return (["provider", "account", "recipients"] as const).find((fault) => faults.has(fault)) ?? "message";
}
