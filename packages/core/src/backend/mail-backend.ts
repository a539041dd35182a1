import { type MonotonicClock, systemClock, within } from "../clock.js";
import { hookError, PosthornError, TransportError, UnsupportedFeatureError } from "../errors.js";
import { mergeDefaults } from "../message/defaults.js";
import type { Features, MessageFor } from "../message/features.js";
import { isRecord } from "../message/json.js";
import type { Message } from "../message/message.js";
import { type NormalizedMessage, normalizeMessage } from "../message/normalize.js";
import { cancelledResult, type SendResult } from "../result.js";
import { checkSendOptions } from "../session/options.js";
import { Redactor } from "../session/redact.js";
import type { Session } from "../session/session.js";
import type {
  Backend,
  DryRunOptions,
  DryRunRequest,
  SendManyOptions,
  SendOptions,
  SendOutcome,
} from "./backend.js";
import {
  type BackendOptions,
  type HookContext,
  HTTP_OPTIONS,
  type OptionSpecs,
  type PostSend,
  requireOptions,
  resolveOptions,
} from "./options.js";
import type { MailBackendInfo } from "./provider.js";
import { sendMany } from "./send-many.js";
import { dropUnsupported, type ReportUnsupported, unsupportedReporter } from "./unsupported.js";

/** How long a send may take. */
export interface TimeLimit {
  readonly clock: MonotonicClock;
  /** By the clock's monotonic time. */
  readonly deadlineAt: number;
}

/** In place of a message: a hook said no. Nothing that a caller could give for a message by mistake. */
const CANCELLED: unique symbol = Symbol("cancelled");

/** The metadata in which a `trackingId` goes along; as a tag it follows `posthorn:`. */
const TRACKING_KEY = "posthorn_id";
const TRACKING_TAG = "posthorn:";

/** What printing a backend must not show. */
interface HiddenState<O> {
  readonly options: O;
  /** Of the options, so that one that is missing can be looked for again. */
  readonly specs: OptionSpecs;
  redactor?: Redactor;
  session?: Session | undefined;
  apiUrl?: string;
  lastUrl?: { readonly path: string; readonly url: string };
}

/**
 * Base of all backends, over HTTP or not: hooks, defaults, checks, what to do with fields that are not supported. A backend says
 * how a message becomes a plan (`plan`), how the plan is carried out (`deliver`) and shown (`describe`).
 *
 * @typeParam P what `plan` makes of a message: requests, an envelope, …
 * @example
 * ```ts
 * class LogBackend extends MailBackend<typeof ALL_FEATURES, BackendOptions, NormalizedMessage> {
 *   constructor(options: BackendOptions = {}) {
 *     super({ name: "Log", envPrefix: "LOG", features: ALL_FEATURES, options: {} }, options);
 *   }
 *   protected plan(message: NormalizedMessage) { return message; }
 *   protected async deliver(message: NormalizedMessage) {
 *     console.log(message.subject);
 *     const all = [...message.to, ...message.cc, ...message.bcc];
 *     return makeResult({
 *       provider: this.provider,
 *       recipients: Object.fromEntries(all.map(({ address }) => [address, { status: "sent", messageId: null }])),
 *     });
 *   }
 *   protected async describe() { return []; }
 * }
 * ```
 */
export abstract class MailBackend<
  F extends Features,
  O extends BackendOptions<F>,
  P,
  M extends MessageFor<F> = MessageFor<F>,
> implements Backend<F>
{
  readonly provider: string;
  readonly features: F;
  /**
   * Options, keys and what is made of them. Behind a function, so that a printed backend does not show them, and that
   * `Object.create(backend)` and proxies work, which `#private` members would not.
   *
   * @internal
   */
  protected readonly hidden!: () => HiddenState<O>;

  /**
   * @param isHttp whether `apiUrl`, `fetch` and `session` are options
   * @throws ConfigurationError for an unknown or malformed option
   */
  constructor(
    protected readonly info: MailBackendInfo<F>,
    options: O,
    isHttp = false,
  ) {
    this.provider = info.name;
    this.features = info.features;
    const also = isHttp ? HTTP_OPTIONS : [];
    const state: HiddenState<O> = {
      options: resolveOptions(info.name, info.envPrefix, info.options, options, also),
      specs: info.options,
    };
    Object.defineProperty(this, "hidden", { value: () => state });
  }

  /** Options with what the environment added. */
  protected get options(): O {
    return this.hidden().options;
  }

  /** Milliseconds that the provider keeps idempotency keys; `undefined` where it takes none. */
  get idempotencyWindow(): number | undefined {
    return this.features.idempotencyKey ? this.info.idempotencyWindow : undefined;
  }

  /** Sends one message. See {@link Backend.send}. */
  async send(message: M, options: SendOptions = {}): Promise<SendResult> {
    checkSendOptions(options);
    this.requireOptions();
    const limit = this.timeLimit(options);
    const prepared = await this.inTime(this.prepare(message as Message, options, false), options, limit);
    if (prepared === CANCELLED) return cancelledResult(this.provider);
    let result: SendResult;
    try {
      const { normalized, plan } = await this.inTime(this.planned(prepared, options), options, limit);
      const isKeyed = Boolean(prepared.idempotencyKey ?? options.idempotencyKey);
      result = await this.deliver(plan, normalized, options, isKeyed, prepared, limit.deadlineAt);
    } catch (error) {
      if (error instanceof PosthornError) await this.afterSend({ error }, prepared);
      throw error;
    }
    await this.afterSend({ result }, prepared);
    return result;
  }

  /** Sends many messages. See {@link Backend.sendMany}. */
  sendMany(
    messages: Iterable<M> | AsyncIterable<M>,
    options: SendManyOptions = {},
  ): AsyncGenerator<SendOutcome<M>, void, undefined> {
    return sendMany((message: M) => this.send(message, options), messages, options);
  }

  /** The fields that `send` would leave out. See {@link Backend.unsupportedFields}. */
  async unsupportedFields(message: M): Promise<readonly string[]> {
    const dropped = new Set<string>();
    if ((this.options.unsupported ?? "error") === "error") return [];
    const merged = mergeDefaults(this.options.sendDefaults as Message | undefined, message as Message);
    await this.planFor(await this.normalize(merged), (field) => void dropped.add(field));
    return [...dropped];
  }

  /** What `send` would do, without doing it. See {@link Backend.dryRun}. */
  async dryRun(message: M, options: DryRunOptions = {}): Promise<readonly DryRunRequest[]> {
    this.requireOptions();
    const hooksRan = options.hooks !== false;
    const prepared = await this.prepare(message as Message, {}, true, hooksRan);
    if (prepared === CANCELLED) return [];
    const { normalized, plan } = await this.planned(prepared, {});
    const requests = await this.describe(plan, normalized, options.revealSecrets === true);
    return requests.map((request) => ({ ...request, hooksRan }));
  }

  /**
   * Checks at start what is otherwise found at the first send: that no required option is missing.
   *
   * @throws ConfigurationError that names the option and its environment variable
   */
  async ready(): Promise<void> {
    this.requireOptions();
  }

  /** Closes connections that the backend holds. It may be used again afterwards. */
  async close(): Promise<void> {}

  /** Closes the backend at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws ConfigurationError for a required option that is missing still, now that it is needed */
  protected requireOptions(): void {
    requireOptions(this.info.name, this.info.envPrefix, this.hidden().specs, this.options);
  }

  /** What a message becomes, with nothing sent. What it cannot express, it reports. */
  protected abstract plan(message: NormalizedMessage, report: ReportUnsupported): P | Promise<P>;

  /**
   * Sends.
   *
   * @param isKeyed whether the idempotency key is the caller's: one made here is another at each send
   * @param given the message before it was checked, after hooks and defaults
   * @param deadlineAt when the send ends at the latest, by the monotonic time of `timeLimit`'s clock
   */
  protected abstract deliver(
    plan: P,
    message: NormalizedMessage,
    options: SendOptions,
    isKeyed: boolean,
    given: Message,
    deadlineAt: number,
  ): Promise<SendResult>;

  /** When a send that begins now ends at the latest, by the clock's monotonic time: hooks, attachments and requests. */
  protected timeLimit(_options: SendOptions): TimeLimit {
    return { clock: systemClock, deadlineAt: Infinity };
  }

  /** The plan for people, secrets replaced unless they are to be revealed. */
  protected abstract describe(
    plan: P,
    message: NormalizedMessage,
    reveal: boolean,
  ): Promise<readonly Omit<DryRunRequest, "hooksRan">[]>;

  /** Credentials that must not leave the backend, in each form they are sent in. */
  protected secrets(): readonly (string | undefined)[] {
    return Object.entries(this.info.options)
      .filter(([, spec]) => spec.secret)
      .map(([name]) => (this.options as Record<string, unknown>)[name])
      .filter((value) => typeof value === "string");
  }

  /** Takes the backend's secrets out of strings. */
  protected get redactor(): Redactor {
    const state = this.hidden();
    state.redactor ??= new Redactor(this.secrets());
    return state.redactor;
  }

  /** Writes a line to the debug log, secrets replaced. */
  protected debug(line: () => string, redactor: Redactor = this.redactor): void {
    const { debug } = this.options;
    if (!debug) return;
    try {
      (debug === true ? console.debug : debug)(redactor.text(`[${this.provider}] ${line()}`));
    } catch {
      // A line that cannot be logged must not hide what became of the message.
    }
  }

  private async prepare(
    message: Message,
    options: SendOptions,
    dryRun: boolean,
    runHooks = true,
  ): Promise<Message | typeof CANCELLED> {
    let current = message;
    const context: HookContext = { provider: this.provider, dryRun };
    for (const hook of runHooks ? listOfHooks(this.options.preSend) : []) {
      try {
        const changed = await hook(current, context);
        if (changed === false) return CANCELLED;
        if (changed) current = changed;
      } catch (cause) {
        throw hookError(this.provider, "preSend", cause, { delivery: "not-sent", attempts: [] });
      }
    }
    if (typeof current !== "object" || current === null) return current;
    const merged = mergeDefaults(this.options.sendDefaults as Message | undefined, current);
    const { idempotencyKey } = options;
    return idempotencyKey && this.features.idempotencyKey && !merged.idempotencyKey
      ? { ...merged, idempotencyKey }
      : merged;
  }

  /** A message checked, and its plan. */
  private async planned(
    message: Message,
    options: SendOptions,
  ): Promise<{ normalized: NormalizedMessage; plan: P }> {
    const report = unsupportedReporter(
      this.provider,
      options.unsupported ?? this.options.unsupported ?? "error",
    );
    const normalized = await this.normalize(message);
    const tracked = withTracking(normalized, options.trackingId, this.features);
    if (tracked !== normalized) {
      try {
        return await this.planFor(tracked, (field) => {
          throw new UnsupportedFeatureError("", { field });
        });
      } catch (error) {
        // Without the id then: it must not be what a message fails for.
        if (!(error instanceof UnsupportedFeatureError)) throw error;
      }
    }
    return this.planFor(normalized, report);
  }

  private async planFor(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): Promise<{ normalized: NormalizedMessage; plan: P }> {
    const supported = dropUnsupported(message, this.features, report);
    // It was made for this send alone, and a copy would cost more than all the rest of checking it.
    const normalized =
      this.features.idempotencyKey && !supported.idempotencyKey
        ? Object.assign(supported, { idempotencyKey: crypto.randomUUID() })
        : supported;
    return { normalized, plan: await this.plan(normalized, report) };
  }

  private normalize(message: Message): Promise<NormalizedMessage> {
    // A message that is none at all is for normalizeMessage to refuse.
    const { templateId, espExtra } = (message ?? {}) as Message;
    const isSenderless =
      (this.features.templateSender && (templateId ?? undefined) !== undefined) ||
      (isRecord(espExtra) && this.info.hasSender?.(espExtra) === true);
    return normalizeMessage(message, this.info.attachmentEncoding ?? "base64", isSenderless);
  }

  /** What hooks and attachments of the caller's give, unless the caller aborts or the deadline passes first. */
  private async inTime<T>(
    work: Promise<T>,
    { signal }: SendOptions,
    { clock, deadlineAt }: TimeLimit,
  ): Promise<T> {
    let isOver = true;
    const settled = (): void => {
      isOver = false;
    };
    work.then(settled, settled);
    try {
      return await within(clock, work, deadlineAt - clock.monotonic(), signal);
    } catch (cause) {
      if (!isOver) throw cause;
      if (signal?.aborted) throw abortError(this.provider, signal);
      const what = "the deadline passed before the message was ready: attachments or preSend took too long";
      throw new TransportError(`${this.provider}: ${what}`, {
        provider: this.provider,
        phase: "other",
        code: "DEADLINE",
        cause,
      });
    }
  }

  /** What a hook throws must not hide what became of the message, nor be taken for the provider's word on it. */
  private async afterSend(outcome: Parameters<PostSend>[0], message: Message): Promise<void> {
    try {
      for (const hook of listOfHooks(this.options.postSend)) {
        await hook(outcome, message, { provider: this.provider, dryRun: false });
      }
    } catch (cause) {
      const known = "error" in outcome ? outcome.error : { ...outcome.result, delivery: "accepted" as const };
      throw hookError(this.provider, "postSend", cause, known);
    }
  }
}

/** The error of a send that the caller aborted before anything was sent. */
export function abortError(provider: string, signal: AbortSignal): TransportError {
  return new TransportError(`${provider}: the caller aborted the send`, {
    provider,
    phase: "other",
    code: "ABORTED",
    cause: signal.reason,
  });
}

function listOfHooks<T>(hook: T | readonly T[] | undefined): readonly T[] {
  return hook === undefined ? [] : ([hook].flat() as readonly T[]);
}

/** The message with a tracking id where the provider has room for one. */
function withTracking(
  message: NormalizedMessage,
  id: string | undefined,
  { metadata, tags }: Features,
): NormalizedMessage {
  if (id === undefined) return message;
  if (metadata) return { ...message, metadata: { ...message.metadata, [TRACKING_KEY]: id } };
  return tags === true || (tags === "one" && message.tags.length === 0)
    ? { ...message, tags: [...message.tags, TRACKING_TAG + id] }
    : message;
}
