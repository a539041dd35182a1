import type {
  Backend,
  DryRunOptions,
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
  type ErrorDetails,
  PosthornError,
  type PosthornErrorCode,
  TransportError,
  UnsupportedFeatureError,
} from "../errors.js";
import {
  ALL_FEATURES,
  type BackendMessage,
  type CommonFeatures,
  type Features,
} from "../message/features.js";
import type { Message } from "../message/message.js";
import type { SendResult } from "../result.js";
import { type BreakerOptions, CircuitBreaker } from "../session/breaker.js";
import { checkSendOptions } from "../session/options.js";
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
  static override readonly kind: string = "PoolError";
  static override readonly code: PosthornErrorCode = "POOL_FAILED";
  declare readonly name: "PoolError";
  declare readonly code: "POOL_FAILED";
  /** Every provider tried, in order. */
  readonly route!: readonly PoolAttempt[];

  constructor(message: string, details: ErrorDetails & { readonly route: readonly PoolAttempt[] }) {
    super(message, details);
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

/**
 * Several backends as one. It never gives a message to a provider that would drop a field of it.
 *
 * @typeParam F what all of its members can do. A message may have more at run time: members that lack it are passed over.
 */
export class Pool<F extends Features = Features> implements Backend<F> {
  readonly provider: string;
  /** Whatever one of its members can do. */
  readonly features: F = ALL_FEATURES as Features as F;
  private readonly breakers: readonly (CircuitBreaker | undefined)[];

  /** @throws ConfigurationError for an empty pool or malformed options */
  constructor(
    /** The members, in the order that they were given. */
    readonly backends: readonly Backend[],
    private readonly order: Order,
    private readonly options: PoolOptions = {},
  ) {
    checkBackends(backends);
    checkOptions(options);
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
  async send(message: BackendMessage<F>, options: SendOptions = {}): Promise<PoolResult> {
    checkSendOptions(options);
    const { only } = options;
    const isAsked = ({ provider, backends }: Backend & { readonly backends?: readonly Backend[] }): boolean =>
      only === undefined || provider === only || Boolean(backends?.some(isAsked));
    const route: PoolAttempt[] = [];
    const order = this.order().filter((index) => isAsked(this.backends[index] as Backend));
    if (order.length === 0)
      throw new ConfigurationError(
        `"only" must be a provider of the pool, not "${only}". Valid options: ${this.backends.map(({ provider }) => provider).join(", ")}`,
      );
    const allOpen = order.every((index) => this.breakers[index]?.isOpen);
    for (const index of order) {
      const backend = this.backends[index] as Backend;
      const breaker = this.breakers[index];
      const { provider } = backend;
      // Before the breaker is asked, whose one trial is not to be spent on what is not sent.
      const [dropped] = await backend.unsupportedFields(message as Message);
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
        // Its hooks may add fields, which it must not drop either.
        const result = await backend.send(message as Message, { ...options, unsupported: "error" });
        breaker?.record({ status: 200 });
        return { ...result, route: [...route, { provider, outcome: "accepted" }] };
      } catch (error) {
        breaker?.record(error);
        if (!(error instanceof PosthornError) || !isProvidersOwn(error)) throw error;
        const unsupported = error instanceof UnsupportedFeatureError;
        route.push({ provider, outcome: unsupported ? "unsupported" : "failed", error });
        if (isAbort(error) || !this.mayCross(error)) throw poolError(this.provider, route);
      }
    }
    throw poolError(this.provider, route);
  }

  /** Sends many messages. See {@link Backend.sendMany}. */
  sendMany(
    messages: Iterable<BackendMessage<F>> | AsyncIterable<BackendMessage<F>>,
    options: SendManyOptions = {},
  ): AsyncGenerator<SendOutcome<BackendMessage<F>>, void, undefined> {
    return sendMany((message: BackendMessage<F>) => this.send(message, options), messages, options);
  }

  /** None: a member that would drop a field is passed over. */
  async unsupportedFields(): Promise<readonly string[]> {
    return [];
  }

  /** The requests of the first member that has all fields of the message. See {@link Backend.dryRun}. */
  async dryRun(message: BackendMessage<F>, options: DryRunOptions = {}): Promise<readonly DryRunRequest[]> {
    const route: PoolAttempt[] = [];
    for (const backend of this.backends) {
      const { provider } = backend;
      const [dropped] = await backend.unsupportedFields(message as Message);
      if (dropped !== undefined) {
        route.push({ provider, outcome: "unsupported", error: wouldDrop(backend, dropped) });
        continue;
      }
      try {
        return await backend.dryRun(message as Message, options);
      } catch (error) {
        if (!(error instanceof UnsupportedFeatureError)) throw error;
        route.push({ provider, outcome: "unsupported", error });
      }
    }
    throw poolError(this.provider, route);
  }

  /**
   * Checks every member.
   *
   * @throws ConfigurationError of the first with a required option missing
   */
  async ready(): Promise<void> {
    for (const backend of this.backends) await backend.ready();
  }

  /** Closes every member. */
  async close(): Promise<void> {
    await Promise.all(this.backends.map((backend) => backend.close()));
  }

  /** Closes every member at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private mayCross({ delivery, inProgress }: PosthornError): boolean {
    if (inProgress) return false;
    return delivery === "not-sent" || (delivery === "unknown" && this.options.failoverWhen === "unknown");
  }
}

function checkOptions(options: PoolOptions): void {
  const known: readonly (keyof PoolOptions)[] = ["failoverWhen", "breaker", "clock"];
  if (typeof options !== "object" || options === null)
    throw new ConfigurationError("Options of a pool must be an object");
  const unknown = Object.keys(options).find((name) => !(known as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new ConfigurationError(`Unknown option "${unknown}" of a pool. Valid options: ${known.join(", ")}`);
  if (options.failoverWhen !== undefined && !["not-sent", "unknown"].includes(options.failoverWhen))
    throw new ConfigurationError('Option "failoverWhen" must be one of "not-sent", "unknown"');
}

/** @throws ConfigurationError unless it is a list of backends with something in it */
function checkBackends(backends: readonly Backend[]): void {
  if (
    Array.isArray(backends) &&
    backends.length > 0 &&
    backends.every((one) => typeof one?.send === "function")
  )
    return;
  throw new ConfigurationError(
    "A pool must be given a list of backends: failover([first, second]), weighted([{ backend, weight }])",
  );
}

/**
 * Sends through the first backend; the next ones are for when it fails.
 *
 * @example
 * ```ts
 * const mail = failover([resend(), postmark()]);
 * ```
 * @throws ConfigurationError for an empty pool or malformed options
 */
export function failover<B extends Backend>(
  backends: readonly B[],
  options?: PoolOptions,
): Pool<CommonFeatures<B>> {
  return new Pool(backends, fixedOrder(backends.length), options);
}

/**
 * Spreads sends evenly; when one backend fails, the next takes over.
 *
 * @example
 * ```ts
 * const mail = roundRobin([resend(), postmark()]);
 * ```
 * @throws ConfigurationError for an empty pool or malformed options
 */
export function roundRobin<B extends Backend>(
  backends: readonly B[],
  options?: PoolOptions,
): Pool<CommonFeatures<B>> {
  return new Pool(backends, rotatingOrder(backends.length), options);
}

/**
 * Spreads sends by weight; when one backend fails, the others take over.
 *
 * @example
 * ```ts
 * const mail = weighted([{ backend: resend(), weight: 3 }, { backend: postmark(), weight: 1 }]);
 * ```
 * @throws ConfigurationError for a weight that is not above 0, an empty pool or malformed options
 */
export function weighted<B extends Backend>(
  members: readonly { readonly backend: B; readonly weight: number }[],
  options?: PoolOptions,
): Pool<CommonFeatures<B>> {
  const list = Array.isArray(members) ? members : [];
  const wrong = list.find((member) => !(member?.weight > 0));
  if (wrong) throw new ConfigurationError(`Option "weight" must be a number above 0, not ${wrong?.weight}`);
  return new Pool(
    list.map(({ backend }) => backend),
    weightedOrder(list.map(({ weight }) => weight)),
    options,
  );
}

/** Whether another provider could do better: it lies with this one, not with the message or its recipients. */
function isProvidersOwn(error: PosthornError): boolean {
  return (
    error instanceof ApiError ||
    error instanceof TransportError ||
    // A key that is missing stops one provider, not the message.
    error instanceof ConfigurationError ||
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
  return new PoolError(`No provider is known to have accepted the message. ${story}`, {
    provider,
    route,
    delivery,
    retryable: delivery === "not-sent" && errors.some((error) => error.retryable),
    attempts: errors.flatMap(({ attempts }) => attempts),
    retryAt: times.length > 0 ? new Date(Math.min(...times)) : undefined,
    cause: errors.at(-1),
  });
}
