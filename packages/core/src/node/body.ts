/** Bytes that are read and thrown away after an answer that did not wait for the whole body. */
const MAX_DISCARDED = 32_000_000;
/** Milliseconds for that. */
const DISCARD_TIME = 10_000;

/** What is needed of Node's `IncomingMessage` to read its body. */
export interface NodeBody extends AsyncIterable<Uint8Array> {
  destroy?(): unknown;
}

/** The body of a request on Node, read no faster than it is asked for. */
export class IncomingBody {
  readonly #source: NodeBody;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #done = false;

  constructor(source: NodeBody) {
    this.#source = source;
  }

  /** The body for a `Request`. Cancelling it leaves the connection open, since the answer is still to be sent. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { done, value } = await this.#next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      },
      // Nothing is read ahead of the handler.
      { highWaterMark: 0 },
    );
  }

  /**
   * Reads what is left and throws it away, so that a sender that writes everything before it reads gets to the
   * answer. Beyond 32 MB or 10 seconds the connection is cut.
   */
  async discard(): Promise<void> {
    if (this.#done) return;
    const cut = (): void => void this.#source.destroy?.();
    const timer = setTimeout(cut, DISCARD_TIME);
    try {
      for (let size = 0; size <= MAX_DISCARDED; ) {
        const { done, value } = await this.#next();
        if (done) return;
        size += value.byteLength;
      }
      cut();
    } catch {
      // The sender went away; nobody waits for the rest.
    } finally {
      clearTimeout(timer);
    }
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    this.#chunks ??= this.#source[Symbol.asyncIterator]();
    const result = await this.#chunks.next();
    if (result.done) this.#done = true;
    return result;
  }
}
