import type {
  BackendOptions,
  DryRunRequest,
  Features,
  Message,
  PosthornError,
  SendOptions,
  SendResult,
} from "@posthorn/core";
import {
  ALL_FEATURES,
  abortError,
  MailBackend,
  makeResult,
  type NormalizedMessage,
} from "@posthorn/core/provider";

/** A message that a {@link MemoryBackend} kept. */
export interface SentMail {
  /** As it was given to `send`, with what hooks and `sendDefaults` made of it. */
  readonly message: Message;
  /** Checked and put into one form, as a provider would get it. */
  readonly normalized: NormalizedMessage;
  readonly result: SendResult;
}

/** Options of {@link memory}. */
export interface MemoryOptions<F extends Features = Features>
  extends Omit<BackendOptions<F>, "apiUrl" | "fetch" | "session"> {
  /**
   * Features of the provider to behave as, such as `resendFeatures`.
   *
   * @default every feature
   */
  readonly like?: F | undefined;
}

/**
 * A backend that sends nothing and keeps all: for tests of code that sends messages. In all else it is as the others are: checks,
 * hooks, defaults, aborts, fields that are not supported.
 */
export class MemoryBackend<F extends Features = typeof ALL_FEATURES> extends MailBackend<
  F,
  MemoryOptions<F>,
  NormalizedMessage
> {
  /** Messages "sent", oldest first. */
  readonly outbox: SentMail[] = [];
  private readonly failures: PosthornError[] = [];

  /** @throws ConfigurationError for an unknown or malformed option */
  constructor(options: MemoryOptions<F> = {}) {
    super(
      {
        name: "Memory",
        envPrefix: "POSTHORN_MEMORY",
        features: options?.like ?? (ALL_FEATURES as Features as F),
        options: { like: { type: "object", env: false } },
      },
      options,
    );
  }

  /** Makes a send to come fail with this error. Several calls put several in line. */
  failNext(error: PosthornError): void {
    this.failures.push(error);
  }

  /** Forgets messages and failures in line. */
  clear(): void {
    this.outbox.length = 0;
    this.failures.length = 0;
  }

  protected override plan(message: NormalizedMessage): NormalizedMessage {
    return message;
  }

  protected override async deliver(
    normalized: NormalizedMessage,
    _: NormalizedMessage,
    options: SendOptions,
    _isKeyed: boolean,
    message: Message,
  ): Promise<SendResult> {
    const { provider } = this;
    if (options.signal?.aborted) throw abortError(provider, options.signal);
    await options.onRequest?.();
    const failure = this.failures.shift();
    if (failure) throw failure;
    const messageId = `memory-${this.outbox.length + 1}`;
    const all = [...normalized.to, ...normalized.cc, ...normalized.bcc];
    const recipients = Object.fromEntries(
      all.map(({ address }) => [address, { status: "sent" as const, messageId }]),
    );
    const result = makeResult({ provider, recipients, idempotencyKey: normalized.idempotencyKey });
    this.outbox.push({ message, normalized, result });
    return result;
  }

  /** None: it makes no requests. The message is checked all the same. */
  protected override async describe(): Promise<readonly Omit<DryRunRequest, "hooksRan">[]> {
    return [];
  }
}

/**
 * Makes a {@link MemoryBackend}.
 *
 * @example
 * ```ts
 * const mail = memory({ like: resendFeatures });
 * await mail.send({ from: "ada@example.com", to: "grace@example.org", subject: "Hello", text: "…" });
 * mail.outbox[0]?.message.subject; // "Hello"
 * ```
 * @throws ConfigurationError for an unknown or malformed option
 */
export function memory<F extends Features = typeof ALL_FEATURES>(
  options?: MemoryOptions<F>,
): MemoryBackend<F> {
  return new MemoryBackend(options);
}
