import type {
  Backend,
  DryRunRequest,
  SendManyOptions,
  SendOptions,
  SendOutcome,
} from "../backend/backend.js";
import { sendMany } from "../backend/send-many.js";
import { type Clock, systemClock } from "../clock.js";
import {
  ApiError,
  ConfigurationError,
  type Delivery,
  type ErrorDetails,
  PosthornError,
  TransportError,
  UnsupportedFeatureError,
} from "../errors.js";
import { ALL_FEATURES, type Features } from "../message/features.js";
import type { Message } from "../message/message.js";
import { bufferStreams } from "../message/serialize.js";
import type { SendResult } from "../result.js";
import { type BreakerOptions, CircuitBreaker } from "../session/breaker.js";
import { fixedOrder, type Order, rotatingOrder, weightedOrder } from "./order.js";

/** One provider that a pool came by on the way to a result. */
export interface PoolAttempt {
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
  readonly route: readonly PoolAttempt[];
}

/** No provider of a pool took the mail, or one of them may have. `cause` is the error that ended it. */
export class PoolError extends PosthornError {
  override readonly name: string = "PoolError";
  /** Every provider tried, in order. */
  readonly route: readonly PoolAttempt[];

  constructor(message: string, details: ErrorDetails & { readonly route: readonly PoolAttempt[] }) {
    super(message, details);
    this.route = details.route;
  }
}

/** Options of every pool. */
export interface PoolOptions {
  /**
   * When to go on to the next provider. `not-sent` (the default): only when the mail is proven not accepted. `unknown`:
   * also when it may have been, at the risk of a second copy.
   */
  readonly failoverWhen?: "not-sent" | "unknown" | undefined;
  /** When a provider is passed over as sick; `false` never passes any over. */
  readonly breaker?: BreakerOptions | false | undefined;
  readonly clock?: Clock | undefined;
}

/** Several backends as one. It never gives a mail to a provider that would drop a field of it. */
export class Pool implements Backend {
  readonly provider: string;
  /** Whatever one of its members can do. */
  readonly features: Features = ALL_FEATURES;
  private readonly breakers: readonly (CircuitBreaker | undefined)[];

  /** @throws ConfigurationError for an empty pool or options of the wrong form */
  constructor(
    private readonly backends: readonly Backend[],
    private readonly order: Order,
    private readonly options: PoolOptions = {},
  ) {
    if (backends.length === 0) throw new ConfigurationError("A pool has at least one backend");
    if (options.failoverWhen !== undefined && !["not-sent", "unknown"].includes(options.failoverWhen)) {
      throw new ConfigurationError('Option "failoverWhen" is one of "not-sent", "unknown"');
    }
    const { breaker } = options;
    const clock = options.clock ?? systemClock;
    this.breakers = backends.map(() => (breaker === false ? undefined : new CircuitBreaker(breaker, clock)));
    this.provider = `Pool(${backends.map(({ provider }) => provider).join(", ")})`;
  }

  /**
   * Sends through the first provider that takes it.
   *
   * @throws PoolError when none did, or when one may have (then no other is tried); its `route` says what became of each
   * @throws InvalidMessageError, RecipientsRefusedError as single backends do: no other provider would mend these
   */
  async send(message: Message, options: SendOptions = {}): Promise<PoolResult> {
    // A stream can be read once, and each provider reads the message anew.
    const kept = await bufferStreams(message);
    const route: PoolAttempt[] = [];
    const order = this.order();
    const allOpen = order.every((index) => this.breakers[index]?.isOpen);
    for (const index of order) {
      const backend = this.backends[index] as Backend;
      const breaker = this.breakers[index];
      const { provider } = backend;
      // Before the breaker is asked, whose one trial is not to be spent on what is not sent.
      const [dropped] = await backend.unsupportedFields(kept);
      if (dropped !== undefined) {
        route.push({ provider, outcome: "unsupported", error: wouldDrop(backend, dropped) });
        continue;
      }
      // Where all are sick, all are tried.
      if (!allOpen && breaker?.admit() === false) {
        route.push({ provider, outcome: "open" });
        continue;
      }
      try {
        const result = await backend.send(kept, options);
        breaker?.record({ status: 200 });
        return { ...result, route: [...route, { provider, outcome: "accepted" }] };
      } catch (error) {
        breaker?.record(error);
        if (!(error instanceof PosthornError) || !isProvidersOwn(error)) throw error;
        const unsupported = error instanceof UnsupportedFeatureError;
        route.push({ provider, outcome: unsupported ? "unsupported" : "failed", error });
        const isBusy = "inProgress" in error && error.inProgress === true;
        if (isAbort(error) || isBusy || !this.mayCross(error.delivery)) throw poolError(this.provider, route);
      }
    }
    throw poolError(this.provider, route);
  }

  /** Sends many messages. See {@link Backend.sendMany}. */
  sendMany(
    messages: Iterable<Message> | AsyncIterable<Message>,
    options: SendManyOptions = {},
  ): AsyncGenerator<SendOutcome<Message>, void, undefined> {
    return sendMany((message: Message) => this.send(message, options), messages, options);
  }

  /** None: a member that would drop a field is passed over. */
  async unsupportedFields(): Promise<readonly string[]> {
    return [];
  }

  /** The requests of the first member that has all fields of the message. See {@link Backend.dryRun}. */
  async dryRun(
    message: Message,
    options: { readonly revealSecrets?: boolean } = {},
  ): Promise<readonly DryRunRequest[]> {
    const kept = await bufferStreams(message);
    const route: PoolAttempt[] = [];
    for (const backend of this.backends) {
      const { provider } = backend;
      const [dropped] = await backend.unsupportedFields(kept);
      if (dropped !== undefined) {
        route.push({ provider, outcome: "unsupported", error: wouldDrop(backend, dropped) });
        continue;
      }
      try {
        return await backend.dryRun(kept, options);
      } catch (error) {
        if (!(error instanceof UnsupportedFeatureError)) throw error;
        route.push({ provider, outcome: "unsupported", error });
      }
    }
    throw poolError(this.provider, route);
  }

  /** Closes every member. */
  async close(): Promise<void> {
    await Promise.all(this.backends.map((backend) => backend.close()));
  }

  /** Closes every member at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private mayCross(delivery: Delivery): boolean {
    return delivery === "not-sent" || (delivery === "unknown" && this.options.failoverWhen === "unknown");
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

function isAbort(error: PosthornError): boolean {
  return error instanceof TransportError && error.code === "ABORTED";
}

function wouldDrop(backend: Backend, field: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(`${backend.provider} would drop the message field "${field}"`, {
    provider: backend.provider,
    field,
  });
}

function poolError(provider: string, route: readonly PoolAttempt[]): PoolError {
  const errors = route.flatMap(({ error }) => (error ? [error] : []));
  const delivery = errors.some((error) => error.delivery === "accepted")
    ? "accepted"
    : errors.some((error) => error.delivery === "unknown")
      ? "unknown"
      : "not-sent";
  const times = errors.flatMap(({ retryAt }) => (retryAt ? [retryAt.getTime()] : []));
  const story = route.map((step) => `${step.provider}: ${step.error?.message ?? step.outcome}`).join("; ");
  return new PoolError(`No provider is known to have taken the mail. ${story}`, {
    provider,
    route,
    delivery,
    retryable: delivery === "not-sent" && errors.some((error) => error.retryable),
    attempts: errors.flatMap(({ attempts }) => attempts),
    retryAt: times.length > 0 ? new Date(Math.min(...times)) : undefined,
    cause: errors.at(-1),
  });
}
