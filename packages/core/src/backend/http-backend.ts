import { ApiError, ConfigurationError, hookError, PosthornError, RecipientsRefusedError } from "../errors.js";
import type { Address } from "../message/address.js";
import type { ContentForm } from "../message/content.js";
import { mergeDefaults } from "../message/defaults.js";
import type { Features, MessageFor } from "../message/features.js";
import type { Message } from "../message/message.js";
import { type NormalizedMessage, normalizeMessage } from "../message/normalize.js";
import type { Pieces } from "../message/pieces.js";
import {
  cancelledResult,
  makeResult,
  type RecipientResult,
  type RecipientResults,
  type SendResult,
} from "../result.js";
import type { AttemptRecord } from "../session/attempt.js";
import { Redactor } from "../session/redact.js";
import { Session, type SessionRequest, type SessionResponse } from "../session/session.js";
import { apiErrorFrom, type ErrorBody, isFinal } from "./api-error.js";
import type { Backend, DryRunRequest, SendManyOptions, SendOptions, SendOutcome } from "./backend.js";
import { describeBody, encodeBody, type RequestBody } from "./body.js";
import { type BackendOptions, type OptionSpecs, type PostSend, resolveOptions } from "./options.js";
import { sendMany } from "./send-many.js";
import { dropUnsupported, type ReportUnsupported, unsupportedReporter } from "./unsupported.js";

/** Milliseconds. A key that is kept for less may be gone when a queue sends again. */
const DAY = 86_400_000;

/** In place of a message: a hook said no. Nothing that a caller could give for a message by mistake. */
const CANCELLED: unique symbol = Symbol("cancelled");

/** What a provider package says of itself. */
export interface ProviderInfo<F extends Features> {
  /** Display name, such as `"Mailgun"`. */
  readonly name: string;
  /** Prefix of its environment variables, such as `MAILGUN`. */
  readonly envPrefix: string;
  readonly features: F;
  /** Its own options. */
  readonly options: OptionSpecs;
  /** Base URL of its API, unless `apiUrl` is given; absent for self-hosted providers. */
  readonly apiUrl?: string;
  /** How it takes attachments. Default `base64`. */
  readonly contentForm?: ContentForm;
  /** Milliseconds that it keeps idempotency keys, where it takes them. */
  readonly idempotencyWindow?: number;
}

/** One HTTP request that a message becomes. */
export interface ProviderRequest {
  /** Path below the API's base URL, or a whole URL. */
  readonly path: string;
  /** Default `POST`. */
  readonly method?: string;
  /** Headers beside those of authentication, or instead of them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Credentials of this request alone, which must not leave the backend. */
  readonly secrets?: readonly string[];
  readonly body: RequestBody;
  /** Statuses beside 2xx whose answers `readAnswer` reads, since they can speak of single recipients. */
  readonly readable?: readonly number[];
  /** The recipients it sends to. */
  readonly recipients: readonly Address[];
}

/** A provider's 2xx answer. */
export interface ProviderAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly request: ProviderRequest;
  /** Where in the message's requests it belongs, from 0. */
  readonly index: number;
  readonly message: NormalizedMessage;
  /**
   * The body as JSON.
   *
   * @throws ApiError with `delivery: "accepted"` when it is not
   */
  json(): unknown;
  /**
   * An error made of this answer.
   *
   * @param delivery `accepted` when the answer has not the form it should; `not-sent` when it says no in words
   */
  error(message: string, delivery: "accepted" | "not-sent" | "unknown", details?: ErrorBody): ApiError;
}

/**
 * Base of all providers with an HTTP API. A provider says how a message becomes requests (`buildRequests`), how it
 * authenticates (`authHeaders`) and how its answer is read (`readAnswer`).
 */
export abstract class HttpBackend<F extends Features, O extends BackendOptions<F> = BackendOptions<F>>
  implements Backend<F>
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
  async send(message: MessageFor<F>, options: SendOptions = {}): Promise<SendResult> {
    const prepared = await this.prepare(message as Message);
    if (prepared === CANCELLED) return cancelledResult(this.provider);
    let result: SendResult;
    try {
      const normalized = await this.normalize(prepared);
      result = await this.deliver(normalized, options, Boolean(prepared.idempotencyKey));
    } catch (error) {
      if (error instanceof PosthornError) await this.afterSend({ error }, prepared);
      throw error;
    }
    await this.afterSend({ result }, prepared);
    return result;
  }

  /** Sends many messages. See {@link Backend.sendMany}. */
  sendMany(
    messages: Iterable<MessageFor<F>> | AsyncIterable<MessageFor<F>>,
    options: SendManyOptions = {},
  ): AsyncGenerator<SendOutcome<MessageFor<F>>, void, undefined> {
    return sendMany((message: MessageFor<F>) => this.send(message, options), messages, options);
  }

  /** The fields that `send` would leave out. See {@link Backend.droppedFields}. */
  async droppedFields(message: MessageFor<F>): Promise<readonly string[]> {
    const dropped = new Set<string>();
    if ((this.options.unsupported ?? "error") === "error") return [];
    const collect: ReportUnsupported = (field) => void dropped.add(field);
    const merged = mergeDefaults(this.options.sendDefaults as Message | undefined, message as Message);
    const normalized = await this.check(merged);
    await this.buildRequests(dropUnsupported(normalized, this.features, collect), collect);
    return [...dropped];
  }

  /**
   * The exact requests that `send` would make, without making them. Credentials are replaced unless
   * `revealSecrets` is set.
   */
  async dryRun(
    message: MessageFor<F>,
    options: { readonly revealSecrets?: boolean } = {},
  ): Promise<readonly DryRunRequest[]> {
    const prepared = await this.prepare(message as Message);
    if (prepared === CANCELLED) return [];
    const requests = await this.buildRequests(await this.normalize(prepared), this.report);
    return Promise.all(
      requests.map(async (request) => {
        const { body, ...wire } = this.wireRequest(request, {}, false);
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
    const { retry, timeout, fetch, rateLimit, onRetry, clock } = this.options;
    return { retry, timeout, fetch, rateLimit, onRetry, clock };
  }

  /** The session in use, made at its first use. */
  protected get session(): Session {
    this.activeSession ??= this.createSession();
    return this.activeSession;
  }

  /** Lets go of what the session keeps open. A session given as an option is the caller's to close. */
  close(): void {
    if (this.activeSession !== this.options.session) this.activeSession?.close();
    this.activeSession = undefined;
  }

  /** The requests that a message becomes, all of them made before the first is sent. */
  protected abstract buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] | Promise<readonly ProviderRequest[]>;

  /** Headers that authenticate. */
  protected abstract authHeaders(): Readonly<Record<string, string>>;

  /** What a 2xx answer says of each recipient. */
  protected abstract readAnswer(answer: ProviderAnswer): RecipientResults;

  /** What the body of an error answer says, for the error's message and code. */
  protected abstract readError(body: unknown): ErrorBody;

  /** Credentials that must not leave the backend, in each form they are sent in. */
  protected secrets(): readonly (string | undefined)[] {
    return Object.entries(this.info.options)
      .filter(([, spec]) => spec.secret)
      .map(([name]) => (this.options as Record<string, unknown>)[name])
      .filter((value) => typeof value === "string");
  }

  /** Headers of one attempt, for providers whose authentication covers the request itself. */
  protected sign?(
    request: {
      readonly method: string;
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string | Pieces;
    },
    now: number,
  ): Promise<Readonly<Record<string, string>>>;

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

  /** What a hook throws must not hide what became of the mail, nor be taken for the provider's word on it. */
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
    return normalizeMessage(message, this.info.contentForm ?? "base64", this.features.templateSender);
  }

  private async normalize(message: Message): Promise<NormalizedMessage> {
    const normalized = await this.check(message);
    const supported = dropUnsupported(normalized, this.features, this.report);
    if (!this.features.idempotencyKey || supported.idempotencyKey) return supported;
    // It was made for this send alone, and a copy would cost more than all the rest of checking it.
    return Object.assign(supported, { idempotencyKey: crypto.randomUUID() });
  }

  /** @param isKeyed whether the idempotency key is the caller's: one made here is another at each send */
  private async deliver(
    message: NormalizedMessage,
    options: SendOptions,
    isKeyed: boolean,
  ): Promise<SendResult> {
    const requests = await this.buildRequests(message, this.report);
    const recipients: Record<string, RecipientResult> = {};
    const attempts: AttemptRecord[] = [];
    const responses: unknown[] = [];
    const errors: PosthornError[] = [];
    for (const [index, request] of requests.entries()) {
      try {
        const response = await this.call(request, options, isKeyed);
        attempts.push(...response.attempts);
        const answer = this.answer(response, request, index, message);
        Object.assign(recipients, this.read(answer));
        responses.push(bodyValue(answer));
      } catch (error) {
        const known = error instanceof PosthornError ? error : unforeseen(this.provider, error);
        attempts.push(...known.attempts);
        errors.push(known);
        Object.assign(recipients, failedRecipients(request, known));
      }
    }
    // When some requests went through, the message as a whole must not go again: each recipient's status tells.
    if (errors.length > 0 && errors.length === requests.length) throw worst(errors);
    const result = makeResult({
      provider: this.provider,
      recipients,
      attempts,
      responses,
      errors,
      idempotencyKey: message.idempotencyKey,
    });
    if (!this.options.ignoreRecipientStatus) this.checkRefused(result);
    return result;
  }

  private read(answer: ProviderAnswer): RecipientResults {
    let results: RecipientResults;
    try {
      results = this.readAnswer(answer);
    } catch (error) {
      if (error instanceof PosthornError) throw error;
      // It has not the form that the provider documents. A no that may speak of single recipients proves nothing then.
      const delivery = answer.status < 300 ? "accepted" : "unknown";
      throw answer.error(`answered ${answer.status} with something that cannot be read`, delivery);
    }
    if (Object.keys(results).length > 0) return withValidIds(results);
    throw answer.error(
      `answered ${answer.status} without a word on any recipient`,
      answer.status < 300 ? "accepted" : "not-sent",
    );
  }

  private async call(
    request: ProviderRequest,
    options: SendOptions,
    isKeyed: boolean,
  ): Promise<SessionResponse> {
    const wire = this.wireRequest(request, options, isKeyed);
    const { redactor } = wire;
    this.debug(
      redactor,
      () =>
        `→ ${wire.method} ${wire.url}\n${headerLines(redactor.headers(wire.headers))}\n${describeBody(request.body)}`,
    );
    const response = await this.session.request(wire);
    this.debug(
      redactor,
      () => `← ${response.status}\n${headerLines(redactor.headers(response.headers))}\n${response.text}`,
    );
    const readable = response.delivery === "accepted" || request.readable?.includes(response.status);
    if (readable && response.bodyError === undefined) return response;
    throw apiErrorFrom(this.provider, redactor, wire, response, (body) => this.readError(body));
  }

  private wireRequest(
    request: ProviderRequest,
    options: SendOptions,
    isKeyed: boolean,
  ): SessionRequest & { readonly body: string | Pieces; readonly redactor: Redactor } {
    const { body, contentType } = encodeBody(request.body);
    const method = request.method ?? "POST";
    const url = this.urlOf(request.path);
    const headers = {
      accept: "application/json",
      "content-type": contentType,
      ...this.authHeaders(),
      ...request.headers,
    };
    const sign = this.sign?.bind(this);
    // Where the provider takes a key, every message has one by now.
    const idempotent = this.features.idempotencyKey;
    const { idempotencyWindow = Infinity } = this.info;
    return {
      method,
      url,
      headers,
      body,
      idempotent,
      idempotencyWindow,
      repeatable: idempotent && isKeyed && idempotencyWindow >= DAY,
      sign: sign && ((now) => sign({ method, url, headers, body }, now)),
      signal: options.signal,
      timeout: options.timeout,
      isFinal: (text) => isFinal(text, (body) => this.readError(body)),
      provider: this.provider,
      redactor: this.redactor.and(request.secrets ?? []),
    };
  }

  /** The whole URL of a path. The last one is kept: most providers have one alone. */
  private urlOf(path: string): string {
    if (this.lastUrl?.path !== path) this.lastUrl = { path, url: new URL(path, this.apiUrl).href };
    return this.lastUrl.url;
  }

  private answer(
    response: SessionResponse,
    request: ProviderRequest,
    index: number,
    message: NormalizedMessage,
  ): ProviderAnswer {
    const redactor = this.redactor.and(request.secrets ?? []);
    const error: ProviderAnswer["error"] = (text, says, details = {}) => {
      // A no to the last attempt says nothing of those before it.
      const delivery = says === "not-sent" && response.uncertain ? "unknown" : says;
      return new ApiError(`${this.provider}: ${redactor.text(text)}`, {
        provider: this.provider,
        status: response.status,
        headers: redactor.headers(response.headers),
        body: redactor.text(response.text),
        code: details.code,
        delivery,
        retryable: details.retryable === true && delivery === "not-sent",
        attempts: response.attempts,
        request: redactor.request({
          method: request.method ?? "POST",
          url: this.urlOf(request.path),
          headers: { ...this.authHeaders(), ...request.headers },
        }),
      });
    };
    let parsed: { readonly value: unknown } | undefined;
    const json = (): unknown => {
      try {
        parsed ??= { value: JSON.parse(response.text) as unknown };
        return parsed.value;
      } catch {
        const delivery = response.status < 300 ? "accepted" : "not-sent";
        throw error(`answered ${response.status} with something that is not JSON`, delivery);
      }
    };
    const { status, headers, text } = response;
    return { status, headers, text, request, index, message, json, error };
  }

  private checkRefused(result: SendResult): void {
    const all = Object.values(result.recipients);
    if (
      all.length === 0 ||
      result.errors.length > 0 ||
      !all.every(({ status }) => status === "invalid" || status === "rejected")
    )
      return;
    const list = Object.entries(result.recipients).map(([address, { status }]) => `${address} (${status})`);
    throw new RecipientsRefusedError(`${this.provider} refused every recipient: ${list.join(", ")}`, {
      provider: this.provider,
      result,
      attempts: result.attempts,
    });
  }

  private debug(redactor: Redactor, line: () => string): void {
    const { debug } = this.options;
    if (!debug) return;
    const text = redactor.text(`[${this.provider}] ${line()}`);
    if (debug === true) console.debug(text);
    else {
      try {
        debug(text);
      } catch {
        // A line that cannot be logged must not hide what became of the mail.
      }
    }
  }
}

/** What a provider gives for an id is one only when it is a text or a number. */
function withValidIds(results: RecipientResults): RecipientResults {
  const isId = ({ messageId }: RecipientResult): boolean =>
    messageId === null || typeof messageId === "string" || typeof messageId === "number";
  if (Object.values(results).every(isId)) return results;
  return Object.fromEntries(
    Object.entries(results).map(([address, result]) => [
      address,
      isId(result) ? result : { ...result, messageId: null },
    ]),
  );
}

/** Statuses of the recipients of a request that failed while others of its message went through. */
function failedRecipients(request: ProviderRequest, error: PosthornError): RecipientResults {
  const status = error.delivery === "not-sent" ? "failed" : "unknown";
  return Object.fromEntries(request.recipients.map(({ address }) => [address, { status, messageId: null }]));
}

/** A session or a subclass of the caller's may throw anything, at any time. */
function unforeseen(provider: string, cause: unknown): PosthornError {
  return new PosthornError(`${provider}: ${String(cause)}`, { provider, delivery: "unknown", cause });
}

/** Of several errors the one that leaves the most doubt: it decides whether sending again is safe. */
function worst(errors: readonly PosthornError[]): PosthornError | undefined {
  return ["accepted", "unknown", "not-sent"]
    .map((delivery) => errors.find((error) => error.delivery === delivery))
    .find(Boolean);
}

function hooks<T>(given: T | readonly T[] | undefined): readonly T[] {
  return given === undefined ? [] : Array.isArray(given) ? (given as readonly T[]) : [given as T];
}

function baseUrl(provider: string, url: string): string {
  const slashed = url.endsWith("/") ? url : `${url}/`;
  const parsed = URL.canParse(slashed) ? new URL(slashed) : undefined;
  if (parsed && /^https?:$/.test(parsed.protocol) && !parsed.username && !parsed.search && !parsed.hash)
    return slashed;
  throw new ConfigurationError(
    `${provider}: option "apiUrl" is not an http(s) URL without credentials or query`,
  );
}

function headerLines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

/** The body as JSON, or as it stands where it is none. */
function bodyValue(answer: ProviderAnswer): unknown {
  // An empty answer is usual, and noting an error costs more than all else here.
  if (answer.text === "") return "";
  try {
    return answer.json();
  } catch {
    return answer.text;
  }
}

/** The same value with each text in it redacted. */
function redactValues(value: unknown, redactor: Redactor): unknown {
  if (typeof value === "string") return redactor.text(value);
  if (Array.isArray(value)) return value.map((item) => redactValues(item, redactor));
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, redactValues(member, redactor)]),
  );
}
