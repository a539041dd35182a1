/**
 * The base of backends on Nodemailer transporters.
 *
 * @module
 */
import {
  type Address,
  ApiError,
  type AttemptRecord,
  type Backend,
  ConfigurationError,
  cancelledResult,
  checkSendOptions,
  type DryRunRequest,
  dropUnsupported,
  forRecipient,
  hookError,
  InvalidMessageError,
  listOf,
  type MailBackendOptions,
  type Message,
  type MessageFor,
  makeResult,
  mergeDefaults,
  mostUncertain,
  type NormalizedMessage,
  normalize,
  PosthornError,
  type PostSend,
  type RecipientReason,
  type RecipientResult,
  RecipientsRefusedError,
  Redactor,
  type ReportUnsupported,
  type RetryPolicy,
  recipientGroups,
  refuseHttpOptions,
  requireFrom,
  type SendManyOptions,
  type SendOptions,
  type SendOutcome,
  type SendResult,
  type Session,
  type StopReason,
  sendingSession,
  sendMany,
  sleep,
  TransportError,
  unsupportedReporter,
} from "./core.js";
import {
  type Cut,
  type Refusal,
  readFailure,
  refusalsOf,
  type SendFailure,
  type SendState,
} from "./failure.js";
import { type SmtpFeatures, smtpFeatures } from "./mime.js";
import {
  formatReply,
  isUntelling,
  parseReply,
  recipientStatus,
  retryDelay,
  type SmtpReply,
  serverMessageId,
} from "./reply.js";

export type { SmtpFeatures } from "./mime.js";
export { type MailOptions, mailOptions, newMessageId } from "./mime.js";

/** What {@link TransporterBackend} needs of a Nodemailer transporter, of any version from 6.10 on. */
export interface Transporter {
  // biome-ignore lint/suspicious/noExplicitAny: the types of Nodemailer's versions have nothing else in common
  sendMail(options: any): Promise<any>;
  close?(): unknown;
}

/** Options of {@link TransporterBackend}: those of every backend that are not of HTTP. */
export type TransporterOptions = MailBackendOptions<SmtpFeatures> & {
  readonly maxRecipients?: number | undefined;
};

/** The envelope of one transaction (RFC 5321 section 3.3). */
export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
}

/** A message that is ready to be handed to a transporter, once for each attempt. */
export interface PreparedMessage {
  /** Its Message-ID, angle brackets included. */
  readonly messageId: string;
  /** The options of `sendMail` for one attempt. `onEnd` is to be called when the message was read to its end. */
  mail(envelope: Envelope, onEnd: () => void): object;
  /** What `dryRun` shows. */
  describe(envelope: Envelope): DryRunRequest;
}

/** An attempt, as `result.attempts` and `error.attempts` list it. `status` is the reply code. */
export interface SmtpAttempt extends AttemptRecord {
  /** The command that failed. */
  readonly command?: string;
  /** The reply. */
  readonly text?: string;
}

interface Transaction {
  readonly prepared: PreparedMessage;
  readonly from: string;
  readonly recipients: readonly Address[];
}

interface TransactionOutcome {
  /** Whether the server took the message for at least one recipient. */
  readonly isAccepted: boolean;
  readonly recipients: Readonly<Record<string, RecipientResult>>;
  readonly attempts: readonly SmtpAttempt[];
  readonly response: unknown;
  /** What kept recipients from being accepted, but for refusals for good. */
  readonly error: PosthornError | undefined;
}

const DEFAULT_TIMEOUT = 30_000;
const DEFAULT_MAX_RECIPIENTS = 100;

/**
 * Base of backends on a Nodemailer transporter: checks and hooks as every backend has them, one transaction after the other,
 * retries of what is proven unsent, a status for each recipient.
 */
export abstract class TransporterBackend<O extends TransporterOptions = TransporterOptions>
  implements Backend<SmtpFeatures>
{
  readonly features = smtpFeatures;
  // Private to the engine, so that no dump of a backend shows credentials.
  readonly #options: O;
  readonly #session: Session;
  readonly #report: ReportUnsupported;
  readonly #redactor: Redactor;
  #active: Transporter | undefined;

  /** @throws ConfigurationError for an option that is malformed */
  protected constructor(
    readonly provider: string,
    options: O,
    secrets: readonly string[],
  ) {
    refuseHttpOptions(provider, options);
    this.#options = options;
    this.#session = sendingSession(options);
    this.#redactor = new Redactor(secrets);
    this.#report = unsupportedReporter(provider, options.unsupported ?? "error");
  }

  /**
   * Sends one message.
   *
   * @throws InvalidMessageError, UnsupportedFeatureError before anything is sent
   * @throws ApiError when the server refused it; `status` is the reply code and `code` the enhanced code
   * @throws TransportError when there was no reply; `delivery` is `unknown` only if the whole message may have gone out
   * @throws RecipientsRefusedError when it refused every recipient for good
   */
  async send(message: MessageFor<SmtpFeatures>, options: SendOptions = {}): Promise<SendResult> {
    checkSendOptions(options);
    const prepared = await this.prepare(message as Message);
    if (prepared === undefined) return cancelledResult(this.provider);
    let result: SendResult;
    try {
      result = await this.deliver(await this.transactions(prepared, this.#report), options);
    } catch (error) {
      if (error instanceof PosthornError) await this.afterSend({ error }, prepared);
      throw error;
    }
    await this.afterSend({ result }, prepared);
    return result;
  }

  /** Sends many messages. See {@link Backend.sendMany}. */
  sendMany(
    messages: Iterable<MessageFor<SmtpFeatures>> | AsyncIterable<MessageFor<SmtpFeatures>>,
    options: SendManyOptions = {},
  ): AsyncGenerator<SendOutcome<MessageFor<SmtpFeatures>>, void, undefined> {
    return sendMany((message: MessageFor<SmtpFeatures>) => this.send(message, options), messages, options);
  }

  /** The fields that `send` would leave out. See {@link Backend.unsupportedFields}. */
  async unsupportedFields(message: MessageFor<SmtpFeatures>): Promise<readonly string[]> {
    if ((this.options.unsupported ?? "error") === "error") return [];
    const dropped = new Set<string>();
    const merged = mergeDefaults(this.options.sendDefaults as Message | undefined, message as Message);
    dropUnsupported(await normalize(merged), this.features, (field) => void dropped.add(field));
    return [...dropped];
  }

  /** The envelopes and messages that `send` would transmit, without connecting. */
  async dryRun(message: MessageFor<SmtpFeatures>): Promise<readonly DryRunRequest[]> {
    const prepared = await this.prepare(message as Message);
    if (prepared === undefined) return [];
    const transactions = await this.transactions(prepared, this.#report);
    return transactions.map(({ prepared: ready, from, recipients }) =>
      ready.describe({ from, to: recipients.map(({ email }) => email) }),
    );
  }

  /** Closes connections that are kept, those in use once their message is done. The next message opens others. */
  async close(): Promise<void> {
    this.#active?.close?.();
    this.#active = undefined;
  }

  /** Closes the backend at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Its options are checked when it is made. */
  async ready(): Promise<void> {}

  /** Makes the transporter that messages go through. */
  protected abstract createTransporter(): Transporter;

  /** Puts a message into the form that the transporter takes. `to` are the recipients in its header. */
  protected abstract compose(message: NormalizedMessage, to: readonly Address[]): Promise<PreparedMessage>;

  /** What proves that nothing was sent, and the host. */
  protected abstract proof(): Pick<SendState, "proof" | "host" | "stops">;

  /** What to do about a reply, where the options are at fault. */
  protected abstract advice(reply: SmtpReply, command: string | undefined): string | undefined;

  /** The transporter in use, made at its first use. */
  protected get transporter(): Transporter {
    this.#active ??= this.createTransporter();
    return this.#active;
  }

  /** Options with what the environment added. */
  protected get options(): O {
    return this.#options;
  }

  /** A string without the backend's secrets. */
  protected redact(text: string): string {
    return this.#redactor.text(text);
  }

  /** Writes a line to the debug log, secrets replaced. */
  protected debug(line: string): void {
    const { debug } = this.options;
    if (!debug) return;
    const text = this.#redactor.text(`[${this.provider}] ${line}`);
    if (debug === true) console.debug(text);
    else {
      try {
        debug(text);
      } catch {
        // A line that cannot be logged must not hide what became of the message.
      }
    }
  }

  private async prepare(message: Message): Promise<Message | undefined> {
    let current = message;
    for (const hook of listOf(this.options.preSend)) {
      const changed = await hook(current, { provider: this.provider, dryRun: false });
      if (changed === false) return undefined;
      if (changed) current = changed;
    }
    return typeof current === "object" && current !== null
      ? mergeDefaults(this.options.sendDefaults as Message | undefined, current)
      : current;
  }

  /** What a hook throws must not hide what became of the message. */
  private async afterSend(outcome: Parameters<PostSend>[0], message: Message): Promise<void> {
    try {
      for (const hook of listOf(this.options.postSend))
        await hook(outcome, message, { provider: this.provider, dryRun: false });
    } catch (cause) {
      const known = "error" in outcome ? outcome.error : { ...outcome.result, delivery: "accepted" as const };
      const { delivery, attempts } = known;
      const { retryable, retryAt } = known as Partial<PosthornError>;
      throw hookError(this.provider, "postSend", cause, { delivery, attempts, retryable, retryAt });
    }
  }

  /** All transactions of a message: one for each group of recipients that see each other, cut at `maxRecipients`. */
  private async transactions(message: Message, report: ReportUnsupported): Promise<readonly Transaction[]> {
    const normalized = dropUnsupported(await normalize(message), this.features, report);
    const from = (normalized.envelopeSender ?? requireFrom(normalized)).email;
    // A transport that is not SMTP may read the recipients from the header, whatever the envelope says.
    const isSmtp = this.proof().proof === "stream";
    const size = isSmtp ? (this.options.maxRecipients ?? DEFAULT_MAX_RECIPIENTS) : Infinity;
    const transactions: Transaction[] = [];
    for (const group of recipientGroups(normalized)) {
      const [only] = group;
      const own = normalized.isBatch && only ? forRecipient(normalized, only) : normalized;
      const prepared = await this.compose(own, group);
      const recipients = distinct([...group, ...normalized.cc, ...normalized.bcc]);
      for (let at = 0; at < recipients.length; at += size)
        transactions.push({ prepared, from, recipients: recipients.slice(at, at + size) });
    }
    return transactions;
  }

  private async deliver(transactions: readonly Transaction[], options: SendOptions): Promise<SendResult> {
    const { transporter } = this;
    const recipients: Record<string, RecipientResult> = {};
    const attempts: AttemptRecord[] = [];
    const responses: unknown[] = [];
    const errors: PosthornError[] = [];
    let isAccepted = false;
    for (const transaction of transactions) {
      const outcome = await this.call(transaction, transporter).run(options);
      isAccepted ||= outcome.isAccepted;
      attempts.push(...outcome.attempts);
      if (outcome.response !== undefined) responses.push(outcome.response);
      if (outcome.error) errors.push(outcome.error);
      for (const [address, result] of Object.entries(outcome.recipients)) {
        // Copies of a batch are one transaction each; a copy that was accepted is not undone by one that was not.
        if (recipients[address]?.status !== "queued") recipients[address] = result;
      }
    }
    const result = makeResult({ provider: this.provider, recipients, attempts, responses, errors });
    if (isAccepted) return result;
    const error = mostUncertain(errors);
    if (error) throw error;
    if (!this.options.ignoreRecipientStatus) throw this.refused(result);
    return result;
  }

  private refused(result: SendResult): RecipientsRefusedError {
    const list = Object.entries(result.recipients).map(([address, recipient]) => {
      const { status, reason } = recipient;
      return `${address} (${reason?.message ?? status})`;
    });
    return new RecipientsRefusedError(`${this.provider} refused every recipient: ${list.join(", ")}`, {
      provider: this.provider,
      result,
      attempts: result.attempts,
    });
  }

  private call(transaction: Transaction, transporter: Transporter): TransactionCall {
    return new TransactionCall(transaction, {
      provider: this.provider,
      transporter,
      session: this.#session,
      redactor: this.#redactor,
      ...this.proof(),
      timeout: this.options.timeout ?? DEFAULT_TIMEOUT,
      onRetry: this.options.onRetry,
      advice: (reply, command) => this.advice(reply, command),
      debug: (line) => this.debug(line),
    });
  }
}

/** Each address once (RFC 5321 section 4.1.1.3 lets a server refuse repeats); the domain does not tell case apart. */
function distinct(addresses: readonly Address[]): readonly Address[] {
  const seen = new Set<string>();
  return addresses.filter(({ email }) => {
    const key = email.replace(/@[^@]*$/, (domain) => domain.toLowerCase());
    return !seen.has(key) && seen.add(key);
  });
}

/** What one transaction needs of its backend. */
interface CallContext extends Pick<SendState, "proof" | "host" | "stops"> {
  readonly provider: string;
  readonly transporter: Transporter;
  readonly session: Session;
  readonly redactor: Redactor;
  readonly timeout: number;
  readonly onRetry: TransporterOptions["onRetry"];
  readonly advice: (reply: SmtpReply, command: string | undefined) => string | undefined;
  readonly debug: (line: string) => void;
}

/** What came of one attempt. */
type Attempt =
  | { readonly response: string; readonly refused: readonly Refusal[]; readonly info: object }
  | { readonly failure: SendFailure; readonly error: unknown };

/** One transaction, attempted as often as the policy allows. */
class TransactionCall {
  private readonly attempts: SmtpAttempt[] = [];
  private readonly recipients: Record<string, RecipientResult> = {};
  private readonly deadlineAt: number;
  private policy: RetryPolicy;
  /** Recipients that are neither accepted nor refused for good. */
  private pending: readonly Address[];
  private isAccepted = false;
  /** Whether an attempt before the last may have been taken. */
  private isUncertain = false;
  private response: unknown;

  constructor(
    private readonly transaction: Transaction,
    private readonly context: CallContext,
  ) {
    const { clock } = context.session;
    this.policy = context.session.retryPolicy();
    this.pending = transaction.recipients;
    this.deadlineAt = this.policy.deadline === null ? Infinity : clock.now() + this.policy.deadline * 1000;
  }

  async run(options: SendOptions): Promise<TransactionOutcome> {
    const { session } = this.context;
    const { signal } = options;
    for (;;) {
      if (signal?.aborted) return this.end(this.aborted(signal));
      const wait = session.rateLimiter.reserve(this.deadlineAt);
      if (wait === undefined) return this.end(this.rateLimited());
      if (wait > 0 && !(await this.pause(wait, signal))) return this.end(this.aborted(signal));
      const startedAt = session.clock.now();
      const attempt = await this.attempt(options, startedAt);
      const record = {
        number: this.attempts.length + 1,
        startedAt,
        duration: session.clock.now() - startedAt,
      };
      const failure = "failure" in attempt ? attempt.failure : this.accept(attempt);
      if (failure === undefined) {
        const { status } = parseReply("response" in attempt ? attempt.response : "") ?? { status: 250 };
        this.attempts.push({ ...record, status, stopped: "success" });
        return this.end(undefined);
      }
      const next = await this.next(failure, "error" in attempt ? attempt.error : undefined, record);
      if ("error" in next) return this.end(next.error);
      if (next.delay > 0 && !(await this.pause(next.delay, signal))) return this.end(this.aborted(signal));
    }
  }

  /** Hands the message to the transporter, and waits no longer than the attempt may take. */
  private async attempt(options: SendOptions, startedAt: number): Promise<Attempt> {
    const { session, transporter, proof, stops, host, debug } = this.context;
    const timeout = options.timeout ?? this.context.timeout;
    const left = this.deadlineAt - startedAt;
    const controller = new AbortController();
    let cut: Cut | undefined;
    let ended = false;
    let giveUp: (reason: unknown) => void = () => {};
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const end = (why: Cut, reason: string): void => {
      cut ??= why;
      controller.abort(new DOMException(reason, why === "ABORTED" ? "AbortError" : "TimeoutError"));
      giveUp(controller.signal.reason);
    };
    const onAbort = (): void => end("ABORTED", "the caller aborted it");
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const cancelTimer = session.clock.setTimer(
      () =>
        left < timeout
          ? end("DEADLINE", "the deadline has passed")
          : end("TIMEOUT", `no reply within ${timeout} ms`),
      Math.min(timeout, left),
    );
    const envelope = { from: this.transaction.from, to: this.pending.map(({ email }) => email) };
    debug(`→ ${envelope.from} to ${envelope.to.join(", ")}, ${this.transaction.prepared.messageId}`);
    try {
      const mail = this.transaction.prepared.mail(envelope, () => {
        ended = true;
      });
      const sending = transporter.sendMail({ ...mail, signal: controller.signal }) as Promise<unknown>;
      const info = await Promise.race([sending, givenUp]);
      const fields = (typeof info === "object" && info !== null ? info : {}) as Record<string, unknown>;
      const response = typeof fields["response"] === "string" ? fields["response"] : "";
      debug(`← ${response}`);
      return { response, refused: refusalsOf(fields["rejectedErrors"]), info: fields };
    } catch (error) {
      // A transporter that was told to stop has stopped by now; one that does not listen may go on.
      const failure = readFailure(error, { ended, proof, stops, host, cut });
      debug(`← ${failure.message}`);
      return {
        failure: cut === undefined ? failure : { ...failure, message: reasonOf(controller.signal) },
        error,
      };
    } finally {
      cancelTimer();
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Notes what a success says of each recipient. Gives the reason to go on where some were refused for now. */
  private accept({
    response,
    refused,
    info,
  }: Extract<Attempt, { response: string }>): SendFailure | undefined {
    const { host, proof } = this.context;
    const replies = repliesByRecipient(refused);
    const messageId = serverId(info) ?? serverMessageId(response) ?? this.ownId;
    const status = isUntelling(response, host) ? "unknown" : "queued";
    this.response = summary(info, response);
    this.isAccepted ||= this.pending.some(({ email }) => !replies.has(email.toLowerCase()));
    this.note(replies, { status, messageId });
    const deferred = this.deferred(replies);
    // Only SMTP is known to send to the envelope alone; elsewhere another attempt could reach those that have it.
    if (!deferred || proof !== "stream") return undefined;
    const { reply } = deferred;
    const message = formatReply(reply);
    return {
      kind: "reply",
      delivery: "not-sent",
      phase: "other",
      code: undefined,
      command: "RCPT TO",
      message,
      reply,
      refused,
    };
  }

  /** Sorts recipients by their replies: those refused for now stay pending. */
  private note(replies: ReadonlyMap<string, SmtpReply>, accepted: RecipientResult | undefined): void {
    const pending: Address[] = [];
    for (const address of this.pending) {
      const reply = replies.get(address.email.toLowerCase());
      if (reply) {
        const reason = reasonOfReply(reply);
        this.recipients[address.address] = { status: recipientStatus(reply), messageId: null, reason };
        if (reply.status < 500) pending.push(address);
      } else if (accepted) this.recipients[address.address] = accepted;
      else pending.push(address);
    }
    this.pending = pending;
  }

  private deferred(replies: ReadonlyMap<string, SmtpReply>): { readonly reply: SmtpReply } | undefined {
    const found = this.pending
      .map(({ email }) => replies.get(email.toLowerCase()))
      .filter((reply) => reply !== undefined);
    // The one that wants the most patience decides when to come back.
    const reply = found.find((candidate) => retryDelay(candidate) !== undefined) ?? found[0];
    return reply && { reply };
  }

  /** After a failed attempt: the delay before the next, or why there is none. */
  private async next(
    failure: SendFailure,
    error: unknown,
    record: SmtpAttempt,
  ): Promise<{ readonly delay: number } | { readonly error: PosthornError | undefined }> {
    const { session, onRetry, provider } = this.context;
    let current = failure;
    if (failure.refused.length > 0 && error !== undefined) {
      // Every recipient was refused.
      const replies = repliesByRecipient(failure.refused);
      this.note(replies, undefined);
      const deferred = this.deferred(replies);
      if (deferred) current = { ...failure, reply: deferred.reply, message: formatReply(deferred.reply) };
      else if (this.pending.length === 0) {
        this.attempts.push({ ...this.failed(current, record), stopped: "not-retryable-status" });
        return { error: undefined };
      }
    }
    const failed = this.failed(current, record);
    const now = session.clock.now();
    const retryIn = current.reply && retryDelay(current.reply);
    const retryAt = retryIn === undefined ? undefined : new Date(now + retryIn);
    const stop = (stopped: StopReason): { readonly error: PosthornError } => {
      this.attempts.push({ ...failed, stopped });
      return { error: this.errorOf(current, error, retryAt) };
    };
    if (current.code === "ABORTED") return stop("aborted");
    if (current.code === "DEADLINE") return stop("deadline");
    if (current.kind === "message" || current.kind === "options") return stop("refused");
    // An uncertain refusal is no refusal: it draws on the budget of what may have been sent.
    const isStatus = current.kind === "reply" && current.delivery === "not-sent";
    const event = isStatus
      ? {
          class: "status" as const,
          status: current.reply?.status,
          retryAfter: retryIn === undefined ? undefined : String(Math.ceil(retryIn / 1000)),
        }
      : { class: current.delivery === "unknown" ? ("read" as const) : phaseClass(current) };
    const decision = this.policy.decide("POST", event, session.clock);
    if (decision.decision !== "retry") return stop(decision.why);
    const wakeAt = Math.max(now + decision.delay * 1000, retryAt?.getTime() ?? 0);
    if (wakeAt >= this.deadlineAt) return stop("deadline");
    if (current.delivery === "unknown") this.isUncertain = true;
    this.policy = decision.next;
    const delay = (wakeAt - now) / 1000;
    const attempt: SmtpAttempt = {
      ...failed,
      delay,
      delaySource: retryAt ? "retry-after" : decision.delaySource,
    };
    this.attempts.push(attempt);
    try {
      await onRetry?.({ attempt, provider });
    } catch (cause) {
      const delivery = this.isUncertain ? "unknown" : "not-sent";
      return { error: hookError(provider, "onRetry", cause, { delivery, attempts: this.attempts }) };
    }
    return { delay: delay * 1000 };
  }

  private failed(
    { kind, reply, command, code, message, phase, delivery }: SendFailure,
    record: SmtpAttempt,
  ): SmtpAttempt {
    const words = this.context.redactor.text(message);
    if (kind === "reply" && reply) {
      const { status } = reply;
      return { ...record, class: "status", status, ...(command ? { command } : {}), text: words };
    }
    return { ...record, class: delivery === "unknown" ? "read" : phase, error: code ?? words };
  }

  private errorOf(failure: SendFailure, cause: unknown, retryAt: Date | undefined): PosthornError {
    const { provider, redactor, advice } = this.context;
    const delivery = this.isUncertain ? "unknown" : failure.delivery;
    const tries = this.attempts.length > 1 ? ` (${this.attempts.length} attempts)` : "";
    const words = redactor.text(failure.message);
    const details = { provider, delivery, attempts: this.attempts, retryAt, cause: redactor.error(cause) };
    if (failure.kind === "message") return new InvalidMessageError(`${provider}: ${words}`, details);
    if (failure.kind === "options") return new ConfigurationError(`${provider}: ${words}`, details);
    const { reply, command, phase } = failure;
    if (failure.kind === "reply" && reply) {
      const hint = advice(reply, command);
      const at = command ? ` (reply to ${command})` : "";
      return new ApiError(
        `${provider} refused the message${tries}: ${words}${at}${hint ? `; ${hint}` : ""}`,
        {
          ...details,
          status: reply.status,
          headers: {},
          body: words,
          code: reply.enhanced,
          retryable: reply.status < 500 && delivery === "not-sent",
        },
      );
    }
    const isTransient = failure.code !== "ABORTED" && phase !== "other";
    return new TransportError(`${provider} gave no reply${tries}: ${words}`, {
      ...details,
      phase: failure.delivery === "unknown" ? "read" : phase,
      code: failure.code,
      retryable: isTransient && delivery === "not-sent",
    });
  }

  private aborted(signal: AbortSignal | undefined): TransportError {
    return new TransportError(`${this.context.provider} gave no reply: the caller aborted it`, {
      provider: this.context.provider,
      phase: "other",
      code: "ABORTED",
      delivery: this.isUncertain ? "unknown" : "not-sent",
      attempts: this.attempts,
      cause: signal?.reason,
    });
  }

  private rateLimited(): TransportError {
    const retryAt = this.context.session.rateLimiter.availableAt();
    const { provider } = this.context;
    return new TransportError(
      `${provider} was not asked: the rate limit lasts until ${retryAt.toISOString()}`,
      {
        provider,
        phase: "other",
        code: "RATE_LIMITED",
        delivery: this.isUncertain ? "unknown" : "not-sent",
        retryable: !this.isUncertain,
        attempts: this.attempts,
        retryAt,
      },
    );
  }

  /** @returns whether the wait was not aborted */
  private async pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await sleep(this.context.session.clock, ms, signal);
      return true;
    } catch {
      return false;
    }
  }

  private end(error: PosthornError | undefined): TransactionOutcome {
    for (const { address } of this.pending) {
      if (this.recipients[address] !== undefined && error?.delivery !== "unknown") continue;
      const status = error?.delivery === "unknown" ? "unknown" : "failed";
      this.recipients[address] = { ...this.recipients[address], status, messageId: null };
    }
    const { recipients, attempts, response, isAccepted } = this;
    return { recipients, attempts, response, isAccepted, error };
  }

  private get ownId(): string {
    return this.transaction.prepared.messageId.replace(/^<(.*)>$/, "$1");
  }
}

function repliesByRecipient(refused: readonly Refusal[]): ReadonlyMap<string, SmtpReply> {
  return new Map(refused.map(({ recipient, reply }) => [recipient.toLowerCase(), reply]));
}

function reasonOfReply(reply: SmtpReply): RecipientReason {
  return { code: reply.enhanced ?? reply.status, message: formatReply(reply), retryable: reply.status < 500 };
}

function phaseClass({ phase }: SendFailure): "connect" | "other" {
  return phase === "connect" ? "connect" : "other";
}

function reasonOf(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  return typeof reason === "object" && reason !== null && "message" in reason
    ? String(reason.message)
    : String(reason);
}

/** The id that Nodemailer read from replies of known forms, from 10.3 on. */
function serverId(info: object): string | undefined {
  const id: unknown = (info as { readonly serverMessageId?: unknown }).serverMessageId;
  return typeof id === "string" && id !== "" ? id.replace(/^<(.*)>$/, "$1") : undefined;
}

/** What `result.responses` keeps: no message, no credentials. */
function summary(info: object, response: string): object {
  const { envelope, accepted, rejected, messageId } = info as Record<string, unknown>;
  return { response, envelope, accepted, rejected, messageId };
}
