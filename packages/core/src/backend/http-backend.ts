import { ConfigurationError, hookError, PosthornError } from "../errors.js";
import { mergeDefaults } from "../message/defaults.js";
import type { Features, MessageFor } from "../message/features.js";
import type { Message } from "../message/message.js";
import { type NormalizedMessage, normalizeMessage } from "../message/normalize.js";
import { cancelledResult, type RecipientResults, type SendResult } from "../result.js";
import { checkSendOptions } from "../session/options.js";
import { Redactor } from "../session/redact.js";
import { Session } from "../session/session.js";
import type { ProviderErrorInfo } from "./api-error.js";
import type { Backend, DryRunRequest, SendManyOptions, SendOptions, SendOutcome } from "./backend.js";
import type { RequestBody } from "./body.js";
import { type DeliveryPort, deliver, type SignRequest, wireRequest } from "./delivery.js";
import { type BackendOptions, type PostSend, resolveOptions } from "./options.js";
import { PORT, type ProviderInfo, type ProviderRequest, type ProviderResponse } from "./provider.js";
import { sendMany } from "./send-many.js";
import { dropUnsupported, type ReportUnsupported, unsupportedReporter } from "./unsupported.js";

/** In place of a message: a hook said no. Nothing that a caller could give for a message by mistake. */
const CANCELLED: unique symbol = Symbol("cancelled");

/**
 * Base of all providers with an HTTP API. A provider says how a message becomes requests (`buildRequests`), how it
 * authenticates (`authHeaders`) and how its response is read (`readResponse`).
 */
export abstract class HttpBackend<
  F extends Features,
  O extends BackendOptions<F> = BackendOptions<F>,
  M extends MessageFor<F> = MessageFor<F>,
> implements Backend<F>
{
  readonly provider: string;
  readonly features: F;
  /** Options with what the environment added. */
  protected readonly options: O;
  /** Base URL, ending in a slash. */
  protected readonly apiUrl: string;
  private readonly redactor: Redactor;
  private readonly report: ReportUnsupported;
  private activeSession: Session | undefined;
  private lastUrl: { readonly path: string; readonly url: string } | undefined;

  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(
    protected readonly info: ProviderInfo<F>,
    options: O,
  ) {
    this.provider = info.name;
    this.features = info.features;
    this.options = resolveOptions(
      info.name,
      info.envPrefix,
      { ...info.options, apiUrl: { required: !info.apiUrl && !info.options["apiUrl"] } },
      options,
    );
    this.apiUrl = baseUrl(info.name, this.options.apiUrl ?? info.apiUrl ?? "");
    this.redactor = new Redactor(this.secrets());
    this.report = unsupportedReporter(info.name, this.options.unsupported ?? "error");
    // Made here only to check its options early; a subclass's createSession waits for its first use.
    if (!this.options.session) new Session(this.sessionOptions());
  }

  /** Sends one message. See {@link Backend.send}. */
  async send(message: M, options: SendOptions = {}): Promise<SendResult> {
    checkSendOptions(options);
    const prepared = await this.prepare(message as Message);
    if (prepared === CANCELLED) return cancelledResult(this.provider);
    let result: SendResult;
    try {
      const normalized = await this.normalize(prepared);
      const requests = await this.buildRequests(normalized, this.report);
      result = await deliver(this.port, normalized, requests, options, Boolean(prepared.idempotencyKey));
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
    const collect: ReportUnsupported = (field) => void dropped.add(field);
    const merged = mergeDefaults(this.options.sendDefaults as Message | undefined, message as Message);
    const normalized = await this.check(merged);
    await this.buildRequests(dropUnsupported(normalized, this.features, collect), collect);
    return [...dropped];
  }

  /** The exact requests that `send` would make. See {@link Backend.dryRun}. */
  async dryRun(
    message: M,
    options: { readonly revealSecrets?: boolean } = {},
  ): Promise<readonly DryRunRequest[]> {
    const prepared = await this.prepare(message as Message);
    if (prepared === CANCELLED) return [];
    const requests = await this.buildRequests(await this.normalize(prepared), this.report);
    return Promise.all(
      requests.map(async (request) => {
        const { body, ...wire } = wireRequest(this.port, request, {}, false);
        const headers = wire.sign ? await wire.sign(this.session.clock.now()) : wire.headers;
        const reveal = options.revealSecrets === true;
        const { redactor } = wire;
        return {
          method: wire.method,
          url: reveal ? wire.url : redactor.text(wire.url),
          headers: reveal ? headers : redactor.headers(headers),
          payload: reveal ? request.body : (redactValues(request.body, redactor) as RequestBody),
          body: typeof body !== "string" ? body.blob() : reveal ? body : redactor.text(body),
        };
      }),
    );
  }

  /**
   * Makes the session that requests go through. Override it to give another retry policy, headers or ofetch hooks:
   * `return new Session({ ...this.sessionOptions(), retry: … })`.
   */
  createSession(): Session {
    return this.options.session ?? new Session(this.sessionOptions());
  }

  /** The session options that this backend's own options ask for. */
  protected sessionOptions(): ConstructorParameters<typeof Session>[0] & object {
    const { retry, retryBudget, timeout, fetch, rateLimit, breaker, onRetry, clock } = this.options;
    return { retry, retryBudget, timeout, fetch, rateLimit, breaker, onRetry, clock };
  }

  /** The session in use, made at its first use. */
  protected get session(): Session {
    this.activeSession ??= this.createSession();
    return this.activeSession;
  }

  /** Closes connections held by the session. A session given as an option is the caller's to close. */
  async close(): Promise<void> {
    if (this.activeSession !== this.options.session) this.activeSession?.close();
    this.activeSession = undefined;
  }

  /** Closes the backend at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The requests that a message becomes, all of them made before the first is sent. */
  protected abstract buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] | Promise<readonly ProviderRequest[]>;

  /** Headers that authenticate. */
  protected abstract authHeaders(): Readonly<Record<string, string>>;

  /** What a 2xx response says of each recipient. */
  protected abstract readResponse(response: ProviderResponse): RecipientResults;

  /**
   * What an error response says, for the error's message and code, and for what to do next.
   *
   * @param body parsed JSON; `undefined` when it is none
   * @param headers lower-case names
   */
  protected abstract readError(
    body: unknown,
    headers: Readonly<Record<string, string>>,
    status: number,
  ): ProviderErrorInfo;

  /** Credentials that must not leave the backend, in each form they are sent in. */
  protected secrets(): readonly (string | undefined)[] {
    return Object.entries(this.info.options)
      .filter(([, spec]) => spec.secret)
      .map(([name]) => (this.options as Record<string, unknown>)[name])
      .filter((value) => typeof value === "string");
  }

  /** Headers of one attempt, for providers whose authentication covers the request itself. */
  protected sign?(...parameters: Parameters<SignRequest>): ReturnType<SignRequest>;

  /** @internal */
  get [PORT](): DeliveryPort {
    return this.port;
  }

  private get port(): DeliveryPort {
    return {
      provider: this.provider,
      features: this.features,
      idempotencyWindow: this.info.idempotencyWindow,
      options: this.options,
      redactor: this.redactor,
      session: this.session,
      urlOf: (path) => this.urlOf(path),
      authHeaders: () => this.authHeaders(),
      sign: this.sign?.bind(this),
      readResponse: (response) => this.readResponse(response),
      readError: (...response) => this.readError(...response),
    };
  }

  private async prepare(message: Message): Promise<Message | typeof CANCELLED> {
    let current = message;
    for (const hook of hooks(this.options.preSend)) {
      const changed = await hook(current, { provider: this.provider });
      if (changed === false) return CANCELLED;
      if (changed) current = changed;
    }
    return typeof current === "object" && current !== null
      ? mergeDefaults(this.options.sendDefaults as Message | undefined, current)
      : current;
  }

  /** What a hook throws must not hide what became of the message, nor be taken for the provider's word on it. */
  private async afterSend(outcome: Parameters<PostSend>[0], message: Message): Promise<void> {
    try {
      for (const hook of hooks(this.options.postSend)) {
        await hook(outcome, message, { provider: this.provider });
      }
    } catch (cause) {
      const known = "error" in outcome ? outcome.error : { ...outcome.result, delivery: "accepted" as const };
      throw hookError(this.provider, "postSend", cause, known);
    }
  }

  private check(message: Message): Promise<NormalizedMessage> {
    return normalizeMessage(message, this.info.attachmentEncoding ?? "base64", this.features.templateSender);
  }

  private async normalize(message: Message): Promise<NormalizedMessage> {
    const normalized = await this.check(message);
    const supported = dropUnsupported(normalized, this.features, this.report);
    if (!this.features.idempotencyKey || supported.idempotencyKey) return supported;
    // It was made for this send alone, and a copy would cost more than all the rest of checking it.
    return Object.assign(supported, { idempotencyKey: crypto.randomUUID() });
  }

  /** The whole URL of a path. The last one is kept: most providers have one alone. */
  private urlOf(path: string): string {
    if (this.lastUrl?.path !== path) this.lastUrl = { path, url: new URL(path, this.apiUrl).href };
    return this.lastUrl.url;
  }
}

function hooks<T>(hook: T | readonly T[] | undefined): readonly T[] {
  return hook === undefined ? [] : Array.isArray(hook) ? (hook as readonly T[]) : [hook as T];
}

function baseUrl(provider: string, url: string): string {
  const slashed = url.endsWith("/") ? url : `${url}/`;
  const parsed = URL.canParse(slashed) ? new URL(slashed) : undefined;
  if (parsed && /^https?:$/.test(parsed.protocol) && !parsed.username && !parsed.search && !parsed.hash)
    return slashed;
  throw new ConfigurationError(
    `${provider}: option "apiUrl" must be an http(s) URL without credentials or query`,
  );
}

/** The same value with each string in it redacted. */
function redactValues(value: unknown, redactor: Redactor): unknown {
  if (typeof value === "string") return redactor.text(value);
  if (Array.isArray(value)) return value.map((item) => redactValues(item, redactor));
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, redactValues(member, redactor)]),
  );
}
