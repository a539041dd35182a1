/// <reference lib="esnext.disposable" preserve="true" />
import type { PosthornError } from "../errors.js";
import type { Features, MessageFor } from "../message/features.js";
import type { JsonBody } from "../message/json.js";
import type { SendResult } from "../result.js";

/** Options of one send. */
export interface SendOptions {
  /** Ends the send, wherever it is. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for one attempt, instead of the backend's. */
  readonly timeout?: number | undefined;
}

/** Options of {@link Backend.sendMany}. */
export interface SendManyOptions extends SendOptions {
  /** How many messages are under way at once. Default 8. */
  readonly concurrency?: number | undefined;
}

/** What came of one message of many. */
export type SendOutcome<M> =
  | { readonly ok: true; readonly index: number; readonly message: M; readonly result: SendResult }
  | { readonly ok: false; readonly index: number; readonly message: M; readonly error: PosthornError };

/** A request as it would be sent. */
export interface DryRunRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body before it is written: what is in the JSON, the form's fields, the parts. */
  readonly payload:
    | { readonly json: JsonBody }
    | { readonly form: unknown }
    | { readonly multipart: unknown };
  /** The body as `fetch` gets it. */
  readonly body: string | Blob;
}

/** Something that sends mail: a provider, a pool of them, or a stand-in for tests. */
export interface Backend<F extends Features = Features> {
  /** Display name, such as `"Mailgun"`. */
  readonly provider: string;
  readonly features: F;
  /**
   * Sends one message.
   *
   * @throws InvalidMessageError, UnsupportedFeatureError before anything is sent
   * @throws ApiError, TransportError when the provider did not take it, or it is not known
   * @throws RecipientsRefusedError when it refused every recipient
   */
  send(message: MessageFor<F>, options?: SendOptions): Promise<SendResult>;
  /**
   * The fields of a message that `send` would leave out, because the backend was told to (`unsupported: "drop"` or
   * `"warn"`). Pools ask this before they give it a message.
   */
  unsupportedFields(message: MessageFor<F>): Promise<readonly string[]>;
  /** Sends many messages, some at a time. Outcomes come in the messages' order; a failure ends none of the others. */
  sendMany(
    messages: Iterable<MessageFor<F>> | AsyncIterable<MessageFor<F>>,
    options?: SendManyOptions,
  ): AsyncGenerator<SendOutcome<MessageFor<F>>, void, undefined>;
  /**
   * The exact requests that `send` would make, without making them. Credentials are replaced unless `revealSecrets` is
   * set. Backends that make no requests return an empty list.
   */
  dryRun(
    message: MessageFor<F>,
    options?: { readonly revealSecrets?: boolean },
  ): Promise<readonly DryRunRequest[]>;
  /** Closes connections that the backend holds. It may be used again afterwards. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
