import type { ApiError } from "../errors.js";
import type { Address } from "../message/address.js";
import type { AttachmentEncoding } from "../message/content.js";
import type { Features } from "../message/features.js";
import type { JsonRecord } from "../message/json.js";
import type { NormalizedMessage } from "../message/normalize.js";
import type { RecipientResult, RecipientResults } from "../result.js";
import type { ProviderErrorInfo } from "./api-error.js";
import type { RequestBody } from "./body.js";
import type { OptionSpecs } from "./options.js";

/**
 * Where a backend keeps what `@posthorn/core/manage` uses of it; the same in every copy of core.
 *
 * @internal
 */
export const PORT: unique symbol = Symbol.for("posthorn.port");

/** What a backend says of itself. */
export interface MailBackendInfo<F extends Features> {
  /** Display name, such as `"Mailgun"`. */
  readonly name: string;
  /** Prefix of its environment variables, such as `MAILGUN`. */
  readonly envPrefix: string;
  readonly features: F;
  /** Its own options. */
  readonly options: OptionSpecs;
  /**
   * How it takes attachments.
   *
   * @default "base64"
   */
  readonly attachmentEncoding?: AttachmentEncoding;
  /** Milliseconds that it keeps idempotency keys, where it takes them. */
  readonly idempotencyWindow?: number;
  /**
   * Whether a message's `espExtra` says who it is from, so that it may go without `from`.
   *
   * @default false for all messages
   */
  readonly hasSender?: (espExtra: JsonRecord) => boolean;
}

/** What a provider package says of itself. */
export interface ProviderInfo<F extends Features> extends MailBackendInfo<F> {
  /** Base URL of its API, unless `apiUrl` is given; absent for self-hosted providers. */
  readonly apiUrl?: string;
  /**
   * Whether a batch has a request for each recipient, since the provider has no batch that can carry this message.
   *
   * @default false for all messages
   */
  readonly splitsBatch?: (message: NormalizedMessage) => boolean;
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
  /** Statuses beside 2xx whose answers `readResponse` reads, since they can speak of single recipients. */
  readonly readable?: readonly number[];
  /** The recipients it sends to. */
  readonly recipients: readonly Address[];
  /** The message that it sends, where that is a part of a batch (set by core). */
  readonly message?: NormalizedMessage;
}

/** A provider's 2xx response. */
export interface ProviderResponse {
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
   * An error made of this response.
   *
   * @param delivery `accepted` when the response has not the form it should; `not-sent` when it says no in words
   */
  error(
    message: string,
    delivery: "accepted" | "not-sent" | "unknown",
    details?: ProviderErrorInfo,
  ): ApiError;
  /** The same result for every recipient of the request. */
  everyRecipient(result: RecipientResult): RecipientResults;
}
