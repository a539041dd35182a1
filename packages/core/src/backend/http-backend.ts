import { ConfigurationError } from "../errors.js";
import type { Features, MessageFor } from "../message/features.js";
import { isRecord } from "../message/json.js";
import type { Message } from "../message/message.js";
import type { NormalizedMessage } from "../message/normalize.js";
import type { RecipientResults, SendResult } from "../result.js";
import type { Redactor } from "../session/redact.js";
import { Session } from "../session/session.js";
import type { ProviderErrorInfo } from "./api-error.js";
import type { DryRunRequest, SendOptions } from "./backend.js";
import type { RequestBody } from "./body.js";
import { type DeliveryPort, deliver, type SignRequest, wireRequest } from "./delivery.js";
import { MailBackend, type TimeLimit } from "./mail-backend.js";
import type { BackendOptions } from "./options.js";
import { splitBatch } from "./payload.js";
import { PORT, type ProviderInfo, type ProviderRequest, type ProviderResponse } from "./provider.js";
import { type ReportUnsupported, unsupportedReporter } from "./unsupported.js";

/**
 * Base of all providers with an HTTP API. A provider says how a message becomes requests (`buildRequests`), how it
 * authenticates (`authHeaders`) and how its response is read (`readResponse`).
 */
export abstract class HttpBackend<
  F extends Features,
  O extends BackendOptions<F> = BackendOptions<F>,
  M extends MessageFor<F> = MessageFor<F>,
> extends MailBackend<F, O, readonly ProviderRequest[], M> {
  /** @throws ConfigurationError for an unknown or malformed option */
  constructor(
    protected override readonly info: ProviderInfo<F>,
    options: O,
  ) {
    super(
      {
        ...info,
        options: { ...info.options, apiUrl: { required: !info.apiUrl && !info.options["apiUrl"] } },
      },
      options,
      true,
    );
    if (this.options.apiUrl !== undefined) baseUrl(this.provider, this.options.apiUrl);
    // Made here only to check its options early; a subclass's createSession waits for its first use.
    if (!this.options.session) new Session(this.sessionOptions());
  }

  /** Base URL, ending in a slash. */
  protected get apiUrl(): string {
    const state = this.hidden();
    state.apiUrl ??= baseUrl(this.provider, this.options.apiUrl ?? this.info.apiUrl ?? "");
    return state.apiUrl;
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
    const state = this.hidden();
    state.session ??= this.createSession();
    return state.session;
  }

  /** Closes connections held by the session. A session given as an option is the caller's to close. */
  override async close(): Promise<void> {
    const state = this.hidden();
    if (state.session !== this.options.session) state.session?.close();
    state.session = undefined;
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

  /** What a response without a body gives to the result's `responses`, for providers that have an id in a header. */
  protected valueOfHeaders(_response: ProviderResponse): unknown {
    return "";
  }

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

  /** Headers of one attempt, for providers whose authentication covers the request itself. */
  protected sign?(...parameters: Parameters<SignRequest>): ReturnType<SignRequest>;

  protected override async plan(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): Promise<readonly ProviderRequest[]> {
    if (!message.isBatch || !this.info.splitsBatch?.(message)) return this.buildRequests(message, report);
    const field = (["mergeHeaders", "mergeMetadata", "mergeData"] as const).find((name) => message[name]);
    if (this.options.batch === "native")
      unsupportedReporter(this.provider, "error")(field ?? "mergeData", "this batch in one request");
    const requests: ProviderRequest[] = [];
    // A recipient's own values go as common ones in a request of their own; what is reported is the field that the caller gave.
    const reportGiven: ReportUnsupported = (name, what) =>
      report(name === "mergeGlobalData" && message.mergeData ? "mergeData" : name, what);
    for (const single of splitBatch(message)) {
      for (const request of await this.buildRequests(single, reportGiven))
        requests.push({ ...request, message: single });
    }
    return requests;
  }

  protected override deliver(
    requests: readonly ProviderRequest[],
    message: NormalizedMessage,
    options: SendOptions,
    isKeyed: boolean,
    _given: Message,
    deadlineAt: number,
  ): Promise<SendResult> {
    return deliver(this.port, message, requests, options, isKeyed, deadlineAt);
  }

  protected override timeLimit({ retry }: SendOptions): TimeLimit {
    const { session } = this;
    return { clock: session.clock, deadlineAt: session.deadlineAt(this.features.idempotencyKey, retry) };
  }

  protected override describe(
    requests: readonly ProviderRequest[],
    _message: NormalizedMessage,
    reveal: boolean,
  ): Promise<readonly Omit<DryRunRequest, "hooksRan">[]> {
    return Promise.all(
      requests.map(async (request) => {
        const shown = reveal
          ? request
          : { ...request, body: redactValues(request.body, this.redactor.and(request.secrets ?? [])) };
        const { body, ...wire } = wireRequest(this.port, shown as ProviderRequest, {}, false);
        const headers = wire.sign ? await wire.sign(this.session.clock.now()) : wire.headers;
        const { redactor } = wire;
        return {
          method: wire.method,
          url: reveal ? wire.url : redactor.text(wire.url),
          headers: reveal ? headers : redactor.headers(headers),
          payload: shown.body as RequestBody,
          body: typeof body === "string" ? body : body.blob(),
        };
      }),
    );
  }

  /** @internal */
  get [PORT](): DeliveryPort {
    this.requireOptions();
    return this.port;
  }

  private get port(): DeliveryPort {
    return {
      provider: this.provider,
      features: this.features,
      idempotencyWindow: this.info.idempotencyWindow,
      options: this.options,
      debug: (line, redactor) => this.debug(line, redactor),
      redactor: this.redactor,
      session: this.session,
      urlOf: (path) => this.urlOf(path),
      authHeaders: () => this.authHeaders(),
      sign: this.sign?.bind(this),
      readResponse: (response) => this.readResponse(response),
      valueOfHeaders: (response) => this.valueOfHeaders(response),
      readError: (...response) => this.readError(...response),
    };
  }

  /** The whole URL of a path. The last one is kept: most providers have one alone. */
  private urlOf(path: string): string {
    const state = this.hidden();
    if (state.lastUrl?.path !== path) state.lastUrl = { path, url: new URL(path, this.apiUrl).href };
    return state.lastUrl.url;
  }
}

function baseUrl(provider: string, url: string): string {
  const slashed = url.endsWith("/") ? url : `${url}/`;
  const parsed = URL.canParse(slashed) ? new URL(slashed) : undefined;
  if (parsed && /^https?:$/.test(parsed.protocol) && !parsed.username && !parsed.search && !parsed.hash)
    return slashed;
  throw new ConfigurationError(
    `${provider}: option "apiUrl" must be an http(s) URL without credentials or query`,
    { provider },
  );
}

/** The same value with each string in it redacted. Contents that are no strings hold no secrets. */
function redactValues(value: unknown, redactor: Redactor): unknown {
  if (typeof value === "string") return redactor.text(value);
  if (Array.isArray(value)) return value.map((item) => redactValues(item, redactor));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, redactValues(member, redactor)]),
  );
}
