/**
 * What the outbox needs of core and core does not export yet, done here over core's public API as far as that goes. Each function
 * names what replaces it.
 */
import {
  type AddressInput,
  ApiError,
  type Backend,
  ConfigurationError,
  InvalidMessageError,
  type Message,
  PoolError,
  PosthornError,
  parseAddress,
  type RecipientResults,
  RecipientsRefusedError,
  type SendResult,
  TransportError,
  UnsupportedFeatureError,
} from "@posthorn/core";
import type { TrackingEvent } from "@posthorn/core/webhooks";
import type { Fault, Outcome, RecipientOutcome } from "./types.js";

/** Failures that all messages of an account share: the handshake fails, whatever is sent. */
const CERTIFICATE =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_|ERR_TLS_|ERR_SSL_|EPROTO$|ERR_OSSL_)/;

/**
 * What a send came to, in the terms that a queue decides on.
 *
 * Replaced by core's `outcomeOf(result | error)`.
 */
export function outcomeOf(settled: { readonly result: SendResult } | { readonly error: unknown }): Outcome {
  return "result" in settled ? outcomeOfResult(settled.result) : outcomeOfError(settled.error);
}

function outcomeOfResult(result: SendResult): Outcome {
  return {
    delivery: result.status === "cancelled" ? "not-sent" : "accepted",
    fault: "none",
    retryable: false,
    retryAt: undefined,
    provider: result.provider,
    providerId: result.messageId === null ? undefined : String(result.messageId),
    recipients: recipientOutcomes(result.recipients),
    status: undefined,
    code: undefined,
    error: undefined,
    cancelled: result.status === "cancelled",
  };
}

function outcomeOfError(error: unknown): Outcome {
  const base = { retryAt: undefined, providerId: undefined, recipients: undefined, cancelled: false };
  if (!(error instanceof PosthornError)) {
    // A backend of the caller's own may throw anything, at any time: nothing is proven.
    const reason = error instanceof Error ? error.message : String(error);
    const unproven = { delivery: "unknown", fault: "message", retryable: false } as const;
    return { ...base, ...unproven, provider: undefined, status: undefined, code: undefined, error: reason };
  }
  const fault = error.delivery === "accepted" ? "none" : faultOf(error);
  const api = error instanceof ApiError ? error : undefined;
  return {
    ...base,
    delivery: error.delivery,
    fault,
    retryable: fault === "provider" || fault === "account",
    retryAt: error.retryAt?.getTime(),
    provider: providerOf(error),
    recipients:
      error instanceof RecipientsRefusedError ? recipientOutcomes(error.result.recipients) : undefined,
    status: api?.status,
    code: codeOf(error),
    error: error.message,
  };
}

function codeOf(error: PosthornError): string | undefined {
  const code = error instanceof ApiError || error instanceof TransportError ? error.code : undefined;
  return code === undefined ? undefined : String(code);
}

/** A pool's error speaks of the member that may have the message; of the last one otherwise. */
function providerOf(error: PosthornError): string | undefined {
  if (!(error instanceof PoolError)) return error.provider;
  const doubtful = error.route.find((step) => step.error && step.error.delivery !== "not-sent");
  return (doubtful ?? error.route.at(-1))?.provider ?? error.provider;
}

/** Whose the fault is. */
export function faultOf(error: PosthornError): Exclude<Fault, "none"> {
  if (error instanceof PoolError) return faultOfPool(error);
  if (error instanceof RecipientsRefusedError) return "recipients";
  if (error instanceof ConfigurationError) return "account";
  if (error instanceof InvalidMessageError || error instanceof UnsupportedFeatureError) return "message";
  if (error instanceof ApiError) return faultOfStatus(error);
  if (error instanceof TransportError)
    return error.phase === "other" && CERTIFICATE.test(error.code ?? "") ? "account" : "provider";
  // What a hook threw.
  return "message";
}

function faultOfStatus({ status, retryable, delivery }: ApiError): "message" | "provider" | "account" {
  if (status === 401 || status === 402 || status === 403) return "account";
  // Too many requests, and waiting does not help: a quota is used up.
  if (status === 429) return retryable || delivery !== "not-sent" ? "provider" : "account";
  if (status === 408 || status === 425 || status >= 500) return "provider";
  // A redirect, which sessions do not follow: the API's URL is wrong.
  if (status >= 300 && status < 400) return "account";
  // A provider may say with any status that a later try helps.
  return retryable ? "provider" : "message";
}

/** Of several members' faults, the one that says most of what to do: a provider that may recover, then an account to mend. */
function faultOfPool(error: PoolError): "message" | "recipients" | "provider" | "account" {
  const faults = new Set(
    error.route.map((step) =>
      step.error ? faultOf(step.error) : step.outcome === "open" ? "provider" : "message",
    ),
  );
  return (["provider", "account", "recipients"] as const).find((fault) => faults.has(fault)) ?? "message";
}

function recipientOutcomes(recipients: RecipientResults): Readonly<Record<string, RecipientOutcome>> {
  return Object.fromEntries(
    Object.entries(recipients).map(([address, { status, messageId }]) => [
      address,
      { status, messageId: messageId === null ? null : String(messageId) },
    ]),
  );
}

/**
 * Milliseconds that a backend's provider keeps idempotency keys; `undefined` where it takes none, and for pools, whose members
 * differ.
 *
 * Replaced by core's `Backend.idempotencyWindow`.
 */
export function idempotencyWindowOf(backend: Backend): number | undefined {
  const { idempotencyWindow, info } = backend as Backend & {
    readonly idempotencyWindow?: number;
    readonly info?: { readonly idempotencyWindow?: number };
  };
  if (membersOf(backend)) return undefined;
  return backend.features.idempotencyKey ? (idempotencyWindow ?? info?.idempotencyWindow) : undefined;
}

/** The members of a pool. Replaced by core's `Pool.backends`. */
export function membersOf(backend: Backend): readonly Backend[] | undefined {
  const { backends } = backend as Backend & { readonly backends?: readonly Backend[] };
  return Array.isArray(backends) ? backends : undefined;
}

/** Whether every provider that may get the message has a feature. */
function everyoneHas(backend: Backend, feature: "idempotencyKey" | "metadata"): boolean {
  const members = membersOf(backend);
  return members ? members.every((member) => everyoneHas(member, feature)) : backend.features[feature];
}

/**
 * The message with the idempotency key where the provider takes one. A pool gets it only where all members do: it passes over a
 * member that would have to drop a field.
 *
 * Replaced by core's `SendOptions.idempotencyKey`, or a pool that gives the key to the members that take it.
 */
export function withKey(message: Message, key: string, backend: Backend): Message {
  if (message.idempotencyKey !== undefined || !everyoneHas(backend, "idempotencyKey")) return message;
  return { ...message, idempotencyKey: key };
}

const TAG = "posthorn:";
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The message with the outbox's id in it, so that webhooks give it back: in the metadata, or as a tag where there is none.
 *
 * Replaced by core's `SendOptions.trackingId`.
 */
export function withTrackingId(message: Message, id: string, backend: Backend): Message {
  if (everyoneHas(backend, "metadata"))
    return { ...message, metadata: { ...message.metadata, posthorn_id: id } };
  const { tags } = backend.features;
  const given = message.tags ?? [];
  if (membersOf(backend) || tags === false || (tags === "one" && given.length > 0)) return message;
  return { ...message, tags: [...given, `${TAG}${id}`] };
}

/** The outbox's id in an event. Replaced by core's `trackingIdOf(event)`. */
export function trackingIdOf(event: Pick<TrackingEvent, "metadata" | "tags">): string | undefined {
  const inMetadata = Object.hasOwn(event.metadata, "posthorn_id") ? event.metadata["posthorn_id"] : undefined;
  const found = inMetadata ?? event.tags.find((tag) => tag.startsWith(TAG))?.slice(TAG.length);
  return typeof found === "string" && UUID.test(found) ? found : undefined;
}

/**
 * Whether an event means that an address is bad for good, and not that one message was refused.
 *
 * Replaced by core's `TrackingEvent.permanent`.
 */
export function isPermanent(event: Pick<TrackingEvent, "eventType" | "rejectReason">): boolean {
  const { eventType, rejectReason } = event;
  if (eventType === "bounced") return !["spam", "timed_out", "blocked"].includes(rejectReason ?? "");
  if (eventType === "rejected") return !["other", "timed_out"].includes(rejectReason ?? "other");
  return eventType === "complained" || eventType === "unsubscribed";
}

/**
 * The message for the recipients that are proven unsent although others of it were taken; `undefined` when there is none that a
 * later try may reach.
 *
 * Replaced by core's `remainder(message, result)`.
 */
export function remainder(message: Message, result: SendResult): Message | undefined {
  const isRetryable = result.errors.some(
    (error) => error.delivery === "not-sent" && ["provider", "account"].includes(faultOf(error)),
  );
  if (!isRetryable) return undefined;
  const failed = new Set(
    Object.entries(result.recipients).flatMap(([address, { status }]) =>
      status === "failed" ? [addressOf(address)] : [],
    ),
  );
  const left = onlyRecipients(message, (address) => failed.has(address));
  return left && asList(left.to).length > 0 ? left : undefined;
}

const BY_RECIPIENT = ["mergeData", "mergeHeaders", "mergeMetadata"] as const;

/** The message for some of its recipients; `undefined` when none is left, or nobody of a `to` that was given. */
export function onlyRecipients(message: Message, keep: (address: string) => boolean): Message | undefined {
  const kept: Record<string, unknown> = { ...message };
  let count = 0;
  for (const field of ["to", "cc", "bcc"] as const) {
    const list = message[field];
    if (!list) continue;
    const left = asList(list).filter((entry) => keep(addressOf(entry)));
    if (field === "to" && left.length === 0 && asList(list).length > 0) return undefined;
    count += left.length;
    kept[field] = left;
  }
  for (const field of BY_RECIPIENT) {
    const byAddress = message[field];
    if (!byAddress) continue;
    kept[field] = Object.fromEntries(
      Object.entries(byAddress).filter(([address]) => keep(addressOf(address))),
    );
  }
  return count > 0 ? (kept as unknown as Message) : undefined;
}

/** All addresses of a message, in lower case. */
export function addressesOf(message: Message): readonly string[] {
  return [message.to, message.cc, message.bcc].flatMap((list) => (list ? asList(list).map(addressOf) : []));
}

function asList(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? list : [list];
}

/** The bare address in lower case, its domain in ASCII. */
export function addressOf(entry: unknown): string {
  try {
    return parseAddress(entry as AddressInput, "to").email.toLowerCase();
  } catch {
    // A provider writes addresses as it likes.
    return String(entry).trim().toLowerCase();
  }
}

/** The provider's name in an event, whichever of the two names the installed core has for it. */
export function providerOfEvent(event: TrackingEvent): string | null {
  const { provider, esp } = event as { readonly provider?: string; readonly esp?: string };
  return provider ?? esp ?? null;
}
