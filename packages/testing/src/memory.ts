import type {
  Backend,
  DryRunRequest,
  Message,
  PosthornError,
  SendManyOptions,
  SendOptions,
  SendOutcome,
  SendResult,
} from "@posthorn/core";
import {
  ALL_FEATURES,
  makeResult,
  type NormalizedMessage,
  normalizeMessage,
  sendMany,
} from "@posthorn/core/provider";

/** A mail that a {@link MemoryBackend} kept. */
export interface SentMail {
  /** As it was given to `send`. */
  readonly message: Message;
  /** Checked and put into one form, as a provider would get it. */
  readonly normalized: NormalizedMessage;
  readonly result: SendResult;
}

/** A backend that sends nothing and keeps all: for tests of code that sends mail. It checks messages as all do. */
export class MemoryBackend implements Backend<typeof ALL_FEATURES> {
  readonly provider = "Memory";
  readonly features = ALL_FEATURES;
  /** Mails "sent", oldest first. */
  readonly outbox: SentMail[] = [];
  private readonly failures: PosthornError[] = [];

  /** Makes a send to come fail with this error. Several calls put several in line. */
  failNext(error: PosthornError): void {
    this.failures.push(error);
  }

  /** Forgets mails and failures in line. */
  clear(): void {
    this.outbox.length = 0;
    this.failures.length = 0;
  }

  async send(message: Message, options: SendOptions = {}): Promise<SendResult> {
    options.signal?.throwIfAborted();
    const normalized = await normalizeMessage(message, "base64", true);
    const failure = this.failures.shift();
    if (failure) throw failure;
    const messageId = `memory-${this.outbox.length + 1}`;
    const all = [...normalized.to, ...normalized.cc, ...normalized.bcc];
    const recipients = Object.fromEntries(
      all.map(({ address }) => [address, { status: "sent" as const, messageId }]),
    );
    const result = makeResult({
      provider: this.provider,
      recipients,
      idempotencyKey: normalized.idempotencyKey,
    });
    this.outbox.push({ message, normalized, result });
    return result;
  }

  /** None: it has every feature. */
  async unsupportedFields(): Promise<readonly string[]> {
    return [];
  }

  sendMany(
    messages: Iterable<Message> | AsyncIterable<Message>,
    options: SendManyOptions = {},
  ): AsyncGenerator<SendOutcome<Message>, void, undefined> {
    return sendMany((message: Message) => this.send(message, options), messages, options);
  }

  /** None: it makes no requests. The message is checked all the same. */
  async dryRun(message: Message): Promise<readonly DryRunRequest[]> {
    await normalizeMessage(message, "base64", true);
    return [];
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Makes a {@link MemoryBackend}. */
export function memory(): MemoryBackend {
  return new MemoryBackend();
}
