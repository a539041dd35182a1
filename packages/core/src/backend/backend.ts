/// <reference lib="esnext.disposable" preserve="true" />
import type { PosthornError } from "../errors.js";
import type { BackendMessage, Features } from "../message/features.js";
import type { JsonBody } from "../message/json.js";
import type { SendResult } from "../result.js";
import type { RetrySetting } from "../retry/defaults.js";
import type { UnsupportedMode } from "./options.js";

/** Options of one send. */
export interface SendOptions {
  /** Ends the send, wherever it is. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds for one attempt.
   *
   * @default the backend's
   */
  readonly timeout?: number | undefined;
  /**
   * What to retry.
   *
   * @default the backend's
   */
  readonly retry?: RetrySetting | undefined;
  /**
   * The message's idempotency key, where the provider takes keys and the message has none of its own. Other providers send without.
   */
  readonly idempotencyKey?: string | undefined;
  /**
   * An id that webhooks give back (`trackingIdOf` of `@posthorn/core/webhooks` reads it), carried as the provider can: in the
   * metadata, as a tag, or not at all. Never a reason to refuse a message.
   */
  readonly trackingId?: string | undefined;
  /**
   * What to do with fields that the provider does not support.
   *
   * @default the backend's
   */
  readonly unsupported?: UnsupportedMode | undefined;
  /** Of a pool: the provider that alone is asked, by its display name. Others ignore it. */
  readonly only?: string | undefined;
  /**
   * Called before each request, retries too. When it throws, that request is not made, and the send ends with the `delivery` of the
   * attempts before.
   */
  readonly onRequest?: (() => void | Promise<void>) | undefined;
}

/** Options of {@link Backend.sendMany}. */
export interface SendManyOptions extends SendOptions {
  /**
   * How many messages are under way at once.
   *
   * @default 8
   */
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
    | { readonly multipart: unknown }
    /** Of SMTP. */
    | { readonly envelope: { readonly from: string; readonly to: readonly string[] } };
  /** The body as `fetch` gets it, secrets replaced unless they were to be revealed. */
  readonly body: string | Blob;
  /** Whether `preSend` hooks were run on the message; `postSend` hooks never are. */
  readonly hooksRan: boolean;
}

/** Options of {@link Backend.dryRun}. */
export interface DryRunOptions {
  /**
   * Whether credentials are shown.
   *
   * @default false
   */
  readonly revealSecrets?: boolean | undefined;
  /**
   * Whether `preSend` hooks are run, as `send` does. They are told by `context.dryRun`.
   *
   * @default true
   */
  readonly hooks?: boolean | undefined;
}

/** Something that sends mail: a provider, a pool of them, or a stand-in for tests. */
export interface Backend<F extends Features = Features, M = BackendMessage<F>> {
  /** Display name, such as `"Mailgun"`. */
  readonly provider: string;
  readonly features: F;
  /** Milliseconds that the provider keeps idempotency keys; absent where it takes none, and for pools, whose members differ. */
  readonly idempotencyWindow?: number | undefined;
  /**
   * Sends one message.
   *
   * @throws InvalidMessageError, UnsupportedFeatureError before anything is sent
   * @throws ApiError, TransportError when the provider did not take it, or it is not known
   * @throws RecipientsRefusedError when it refused every recipient
   */
  send(message: M, options?: SendOptions): Promise<SendResult>;
  /**
   * The fields of a message that `send` would leave out, because the backend was told to (`unsupported: "drop"` or
   * `"warn"`). Pools ask this before they give it a message.
   */
  unsupportedFields(message: M): Promise<readonly string[]>;
  /** Sends many messages, some at a time. Outcomes come in the messages' order; a failure ends none of the others. */
  sendMany(
    messages: Iterable<M> | AsyncIterable<M>,
    options?: SendManyOptions,
  ): AsyncGenerator<SendOutcome<M>, void, undefined>;
  /**
   * The exact requests that `send` would make, without making them. Credentials are replaced unless `revealSecrets` is
   * set. `preSend` hooks run, unless `hooks` is `false`. Backends that make no requests return an empty list.
   */
  dryRun(message: M, options?: DryRunOptions): Promise<readonly DryRunRequest[]>;
  /**
   * Checks at start what is otherwise found at the first send.
   *
   * @throws ConfigurationError for a required option that is missing
   */
  ready(): Promise<void>;
  /** Closes connections that the backend holds. It may be used again afterwards. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
