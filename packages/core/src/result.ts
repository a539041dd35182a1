import type { AttemptRecord } from "./attempt.js";
import { type ErrorDetails, PosthornError, type PosthornErrorCode } from "./errors.js";

/**
 * What became of one recipient, in Anymail's terms.
 *
 * - `queued`: the provider accepted it and will try to send.
 * - `sent`: the provider has passed it on to the recipient's mail server.
 * - `invalid`: the address is not one the provider can send to.
 * - `rejected`: the provider will not send to it (suppressed, blocked, unsubscribed).
 * - `failed`: the provider tried or declined for another reason.
 * - `unknown`: the provider's answer does not tell.
 */
export type RecipientStatus = "queued" | "sent" | "invalid" | "rejected" | "failed" | "unknown";

/** The provider's own id for a message: text everywhere but at Postal, whose ids are integers. */
export type MessageId = string | number;

/** Why a provider sends nothing to one recipient. */
export interface RecipientReason {
  /** The provider's own code, or that of the error of this recipient's request. */
  readonly code?: string | number | undefined;
  /** The provider's words. */
  readonly message: string;
  /** Whether a later try may succeed. */
  readonly retryable: boolean;
}

/** Status of one recipient. */
export interface RecipientResult {
  readonly status: RecipientStatus;
  /** `null` where the provider gave none for this recipient. */
  readonly messageId: MessageId | null;
  /** Why the recipient gets nothing, where the provider says so. */
  readonly reason?: RecipientReason;
}

/**
 * Recipients by address (as the provider answered it, or as the caller wrote it). Where a provider answers for each recipient, one
 * that it leaves out is not here.
 */
export type RecipientResults = Readonly<Record<string, RecipientResult>>;

/** What came of one `send`. */
export interface SendResult {
  /** Display name of the provider that took it. */
  readonly provider: string;
  /** The one status of all recipients; `mixed` when they differ, `cancelled` when a `preSend` hook said no. */
  readonly status: RecipientStatus | "mixed" | "cancelled";
  /** The message id when it is the same for all recipients, otherwise `null`. */
  readonly messageId: MessageId | null;
  readonly recipients: RecipientResults;
  /** Every HTTP attempt made, oldest first. */
  readonly attempts: readonly AttemptRecord[];
  /** The provider's parsed answers, one for each request made. */
  readonly responses: readonly unknown[];
  /**
   * Errors of single requests, where a message took several (a batch beyond the provider's limit) and others of them
   * were accepted. Their recipients are `failed` when proven unsent, otherwise `unknown`.
   */
  readonly errors: readonly PosthornError[];
  /** The idempotency key sent along, where the provider takes one. */
  readonly idempotencyKey: string | undefined;
}

/** The provider took the request, and refused every recipient. `result` says why, by recipient. */
export class RecipientsRefusedError extends PosthornError {
  static override readonly kind: string = "RecipientsRefusedError";
  static override readonly code: PosthornErrorCode = "RECIPIENTS_REFUSED";
  declare readonly name: "RecipientsRefusedError";
  declare readonly code: "RECIPIENTS_REFUSED";
  readonly result!: SendResult;

  constructor(message: string, details: ErrorDetails & { readonly result: SendResult }) {
    super(message, details);
  }
}

/** Puts a result together from what is known by recipient. */
export function makeResult(parts: {
  readonly provider: string;
  readonly recipients: RecipientResults;
  readonly attempts?: readonly AttemptRecord[];
  readonly responses?: readonly unknown[];
  readonly errors?: readonly PosthornError[];
  readonly idempotencyKey?: string | undefined;
}): SendResult {
  const all = Object.values(parts.recipients);
  return {
    provider: parts.provider,
    status: only(all.map((recipient) => recipient.status)) ?? (all.length === 0 ? "unknown" : "mixed"),
    messageId: only(all.map((recipient) => recipient.messageId)) ?? null,
    recipients: parts.recipients,
    attempts: parts.attempts ?? [],
    responses: parts.responses ?? [],
    errors: parts.errors ?? [],
    idempotencyKey: parts.idempotencyKey,
  };
}

/** The result of a message that a `preSend` hook cancelled. */
export function cancelledResult(provider: string): SendResult {
  return { ...makeResult({ provider, recipients: {} }), status: "cancelled" };
}

function only<T>(values: readonly T[]): T | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}
