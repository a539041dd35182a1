import { ConfigurationError, InvalidMessageError, PosthornError, reasonOf } from "../errors.js";
import type { SendResult } from "../result.js";
import type { SendManyOptions, SendOutcome } from "./backend.js";

/**
 * Runs `send` over messages, `concurrency` at a time, giving outcomes in order. It reads no further ahead than that, so
 * memory stays flat however many there are. When reading the messages fails, those under way are told of first.
 */
export async function* sendMany<M>(
  send: (message: M) => Promise<SendResult>,
  messages: Iterable<M> | AsyncIterable<M>,
  options: SendManyOptions = {},
): AsyncGenerator<SendOutcome<M>, void, undefined> {
  const concurrency = options.concurrency ?? 8;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new ConfigurationError('Option "concurrency" must be a whole number above 0');
  }
  if (
    typeof messages !== "object" ||
    messages === null ||
    !(Symbol.iterator in messages || Symbol.asyncIterator in messages)
  )
    throw new InvalidMessageError(
      "sendMany takes an iterable of messages, such as a list: sendMany([message])",
    );
  const running: Promise<SendOutcome<M>>[] = [];
  let index = 0;
  let fault: { readonly error: unknown } | undefined;
  const source = upToFault(messages, (error) => {
    fault = { error };
  });
  for await (const message of source) {
    running.push(outcome(send, message, index++));
    // Results are wanted in order, so the oldest is the one to wait for.
    if (running.length >= concurrency) yield await (running.shift() as Promise<SendOutcome<M>>);
  }
  for (const pending of running) yield await pending;
  if (fault) throw fault.error;
}

async function* upToFault<M>(
  messages: Iterable<M> | AsyncIterable<M>,
  onFault: (error: unknown) => void,
): AsyncGenerator<M, void, undefined> {
  try {
    yield* messages;
  } catch (error) {
    onFault(error);
  }
}

async function outcome<M>(
  send: (message: M) => Promise<SendResult>,
  message: M,
  index: number,
): Promise<SendOutcome<M>> {
  try {
    return { ok: true, index, message, result: await send(message) };
  } catch (error) {
    // A hook or a message's own getter may throw anything.
    const known =
      error instanceof PosthornError
        ? error
        : new PosthornError(reasonOf(error), { code: "UNEXPECTED", cause: error });
    return { ok: false, index, message, error: known };
  }
}
