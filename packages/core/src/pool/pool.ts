import type { Backend, SendManyOptions, SendOptions, SendOutcome } from "../backend/backend.js";
import { sendMany } from "../backend/send-many.js";
import {
  ApiError,
  ConfigurationError,
  type Delivery,
  type ErrorDetails,
  PosthornError,
  RecipientsRefusedError,
  TransportError,
  UnsupportedFeatureError,
} from "../errors.js";
import type { Features } from "../message/features.js";
import type { Message } from "../message/message.js";
import { bufferStreams } from "../message/serialize.js";
import type { SendResult } from "../result.js";
import { type Clock, systemClock } from "../session/clock.js";
import { type BreakerOptions, CircuitBreaker } from "./breaker.js";
import { fixedOrder, type Order, rotatingOrder, weightedOrder } from "./order.js";

/** One provider that a pool came by on the way to a result. */
export interface PathStep {
  readonly provider: string;
  /**
   * `accepted`: it took the mail. `failed`: it did not, or it is not known; `error` says. `unsupported`: it lacks a field
   * of the message. `open`: its circuit breaker was open.
   */
  readonly outcome: "accepted" | "failed" | "unsupported" | "open";
  readonly error?: PosthornError;
}

/** A pool's result: that of the provider that took the mail, and the way there. */
export interface PoolResult extends SendResult {
  readonly path: readonly PathStep[];
}

/** No provider of a pool took the mail, or one of them may have. `cause` is the error that ended it. */
export class PoolError extends PosthornError {
  override readonly name: string = "PoolError";
  /** Every provider tried, in order. */
  readonly path: readonly PathStep[];

  constructor(message: string, details: ErrorDetails & { readonly path: readonly PathStep[] }) {
    super(message, details);
    this.path = details.path;
  }
}

/** Options of every pool. */
export interface PoolOptions {
  /**
   * When to go on to the next provider. `not-sent` (the default): only when the mail is proven not accepted. `unknown`:
   * also when it may have been, at the risk of a second copy.
   */
  readonly crossWhen?: "not-sent" | "unknown" | undefined;
  /** When a provider is passed over as sick; `false` never passes any over. */
  readonly breaker?: BreakerOptions | false | undefined;
  readonly clock?: Clock | undefined;
}

/** What a pool as such can do: whatever one of its members can. */
const POOL_FEATURES: Features = {
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  alternatives: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  metadata: true,
  sendAt: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: true,
  multipleFrom: true,
};

/** Several backends as one. It never gives a mail to a provider that would drop a field of it. */
export class Pool implements Backend {
  readonly provider: string;
  readonly features = POOL_FEATURES;
  private readonly breakers: readonly (CircuitBreaker | undefined)[];

  /** @throws ConfigurationError for an empty pool or options of the wrong form */
  constructor(
    private readonly backends: readonly Backend[],
    private readonly order: Order,
    private readonly options: PoolOptions = {},
  ) {
    if (backends.length === 0) throw new ConfigurationError("A pool has at least one backend");
    if (options.crossWhen !== undefined && !["not-sent", "unknown"].includes(options.crossWhen)) {
      throw new ConfigurationError('Option "crossWhen" is one of "not-sent", "unknown"');
    }
    const { breaker } = options;
    const clock = options.clock ?? systemClock;
    this.breakers = backends.map(() => (breaker === false ? undefined : new CircuitBreaker(breaker, clock)));
    this.provider = `Pool(${backends.map(({ provider }) => provider).join(", ")})`;
  }

  /**
   * Sends through the first provider that takes it.
   *
   * @throws PoolError when none did, or when one may have (then no other is tried); its `path` says what became of each
   * @throws InvalidMessageError, RecipientsRefusedError as single backends do: no other provider would mend these
   */
  async send(message: Message, options: SendOptions = {}): Promise<PoolResult> {
    // A stream can be read once, and each provider reads the message anew.
    const kept = await bufferStreams(message);
    const path: PathStep[] = [];
    const order = this.order();
    const allOpen = order.every((index) => this.breakers[index]?.isOpen);
    for (const index of order) {
      const backend = this.backends[index] as Backend;
      const breaker = this.breakers[index];
      const { provider } = backend;
      // Before the breaker is asked, whose one trial is not to be spent on what is not sent.
      const [dropped] = await backend.droppedFields(kept);
      if (dropped !== undefined) {
        path.push({ provider, outcome: "unsupported", error: wouldDrop(backend, dropped) });
        continue;
      }
      // Where all are sick, all are tried.
      if (!allOpen && breaker?.admit() === false) {
        path.push({ provider, outcome: "open" });
        continue;
      }
      try {
        const result = await backend.send(kept, options);
        breaker?.succeeded();
        return { ...result, path: [...path, { provider, outcome: "accepted" }] };
      } catch (error) {
        if (isSickness(error)) breaker?.failed();
        else if (isAnswer(error)) breaker?.succeeded();
        if (!(error instanceof PosthornError) || !isProvidersOwn(error)) throw error;
        const unsupported = error instanceof UnsupportedFeatureError;
        path.push({ provider, outcome: unsupported ? "unsupported" : "failed", error });
        if (isAbort(error) || !this.mayCross(error.delivery)) throw poolError(this.provider, path);
      }
    }
    throw poolError(this.provider, path);
  }

  /** Sends many messages. See {@link Backend.sendMany}. */
  sendMany(
    messages: Iterable<Message> | AsyncIterable<Message>,
    options: SendManyOptions = {},
  ): AsyncGenerator<SendOutcome<Message>, void, undefined> {
    return sendMany((message: Message) => this.send(message, options), messages, options);
  }

  /** None: a member that would drop a field is passed over. */
  async droppedFields(): Promise<readonly string[]> {
    return [];
  }

  private mayCross(delivery: Delivery): boolean {
    return delivery === "not-sent" || (delivery === "unknown" && this.options.crossWhen === "unknown");
  }
}

/** Sends through the first backend; the next ones are for when it fails. */
export function failover(backends: readonly Backend[], options?: PoolOptions): Pool {
  return new Pool(backends, fixedOrder(backends.length), options);
}

/** Spreads sends evenly; when one backend fails, the next takes over. */
export function roundRobin(backends: readonly Backend[], options?: PoolOptions): Pool {
  return new Pool(backends, rotatingOrder(backends.length), options);
}

/**
 * Spreads sends by weight; when one backend fails, the others take over.
 *
 * @throws ConfigurationError for a weight that is not above 0
 */
export function weighted(
  members: readonly { readonly backend: Backend; readonly weight: number }[],
  options?: PoolOptions,
): Pool {
  const wrong = members.find(({ weight }) => !(weight > 0));
  if (wrong) throw new ConfigurationError(`Weights are numbers above 0, not ${wrong.weight}`);
  const order = weightedOrder(members.map(({ weight }) => weight));
  return new Pool(
    members.map(({ backend }) => backend),
    order,
    options,
  );
}

/** Whether another provider could do better: it lies with this one, not with the message or its recipients. */
function isProvidersOwn(error: PosthornError): boolean {
  return (
    error instanceof ApiError ||
    error instanceof TransportError ||
    error instanceof UnsupportedFeatureError ||
    error instanceof PoolError
  );
}

/** Whether an error says that the provider is unwell, or will not work for this account, whatever the message. */
function isSickness(error: unknown): boolean {
  if (error instanceof TransportError) return !isAbort(error);
  if (error instanceof ApiError) return error.status >= 500 || [401, 403, 408, 429].includes(error.status);
  return error instanceof PoolError;
}

/** Whether an error is the word of a provider that works: it refuses this mail, or its recipients. */
function isAnswer(error: unknown): boolean {
  return error instanceof ApiError || error instanceof RecipientsRefusedError;
}

function isAbort(error: PosthornError): boolean {
  return error instanceof TransportError && error.code === "ABORTED";
}

function wouldDrop(backend: Backend, field: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(`${backend.provider} would drop the message field "${field}"`, {
    provider: backend.provider,
    field,
  });
}

function poolError(provider: string, path: readonly PathStep[]): PoolError {
  const errors = path.flatMap(({ error }) => (error ? [error] : []));
  const delivery = errors.some((error) => error.delivery === "accepted")
    ? "accepted"
    : errors.some((error) => error.delivery === "unknown")
      ? "unknown"
      : "not-sent";
  const times = errors.flatMap(({ retryAt }) => (retryAt ? [retryAt.getTime()] : []));
  const story = path.map((step) => `${step.provider}: ${step.error?.message ?? step.outcome}`).join("; ");
  return new PoolError(`No provider is known to have taken the mail. ${story}`, {
    provider,
    path,
    delivery,
    retryable: delivery === "not-sent" && errors.some((error) => error.retryable),
    attempts: errors.flatMap(({ attempts }) => attempts),
    retryAt: times.length > 0 ? new Date(Math.min(...times)) : undefined,
    cause: errors.at(-1),
  });
}
