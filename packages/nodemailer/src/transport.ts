import {
  ApiError,
  type AttemptRecord,
  type Backend,
  ConfigurationError,
  type Delivery,
  InvalidAddressError,
  InvalidMessageError,
  type Message,
  PosthornError,
  RecipientsRefusedError,
  type SendResult,
  TransportError,
  UnsupportedFeatureError,
} from "@posthorn/core";
import type { MimeNode, NodemailerMessage } from "./mail.js";
import { toMessage } from "./to-message.js";

/** Options of {@link posthornTransport}. */
export interface PosthornTransportOptions {
  /** Whether contents may be fetched from the URLs that a message names (`href`). @default false */
  readonly allowUrls?: boolean | undefined;
  /** Called where an option is obeyed in another way. @default console.warn */
  readonly warn?: ((line: string) => void) | undefined;
}

/** What `sendMail` resolves to. */
export interface PosthornInfo {
  readonly envelope: { readonly from: string | false; readonly to: string[] };
  /** The provider's id, or the Message-ID where it gives none. */
  readonly messageId: string;
  /** Recipients that are queued or sent. */
  readonly accepted: string[];
  /** Recipients that are invalid, rejected or failed. */
  readonly rejected: string[];
  /** Recipients of whom the provider says nothing. */
  readonly pending: string[];
  readonly response: string;
  /** The whole result. */
  readonly posthorn: SendResult;
  // Nodemailer's own type of results has it, and results must fit that type.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  [key: string]: any;
}

/** A transport for `nodemailer.createTransport`, of any version from 6.10 on. */
export interface PosthornTransport {
  readonly name: string;
  readonly version: string;
  readonly supportsAbortSignal: true;
  // biome-ignore lint/suspicious/noExplicitAny: the callback's type differs between Nodemailer's versions
  send(mail: NodemailerMessage, callback: (error: any, info: any) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  verify(callback?: (error: any, success: any) => void): any;
  close(): void;
}

/** What `sendMail` rejects with: Posthorn's error, with the fields that code written for Nodemailer reads. */
export class PosthornTransportError extends Error {
  override readonly name: string;
  /** Nodemailer's code: `EAUTH`, `EENVELOPE`, `EMESSAGE`, `ETIMEDOUT`, `ECONNECTION`, `ESOCKET`, `ETLS`, `EABORT`, `ECONFIG`. */
  readonly code: string;
  readonly command = "API";
  /** The response's status, where there was one. */
  readonly responseCode: number | undefined;
  /** The response's body, where there was one. */
  readonly response: string | undefined;
  /** What is known of the message: only `not-sent` may be sent again without a second copy. */
  readonly delivery: Delivery;
  readonly retryable: boolean;
  readonly retryAt: Date | undefined;
  readonly attempts: readonly AttemptRecord[];
  /** The option at fault, where one is. */
  readonly field: string | undefined;
  /** Refused recipients, where all were. */
  readonly rejected: readonly string[] | undefined;

  /** @param cause Posthorn's own error */
  constructor(override readonly cause: PosthornError) {
    super(cause.message);
    this.name = cause.name;
    this.code = nodemailerCode(cause);
    this.responseCode = cause instanceof ApiError ? cause.status : undefined;
    this.response = cause instanceof ApiError ? cause.body : undefined;
    this.delivery = cause.delivery;
    this.retryable = cause.retryable;
    this.retryAt = cause.retryAt;
    this.attempts = cause.attempts;
    const { field } = cause as { readonly field?: unknown };
    this.field = typeof field === "string" ? field : undefined;
    this.rejected =
      cause instanceof RecipientsRefusedError ? Object.keys(cause.result.recipients) : undefined;
  }
}

/**
 * Makes any backend a Nodemailer transport, so that an app with a transporter changes one line.
 *
 * @example
 * ```ts
 * import { resend } from "@posthorn/resend";
 * import { posthornTransport } from "@posthorn/nodemailer";
 * import nodemailer from "nodemailer";
 *
 * const transporter = nodemailer.createTransport(posthornTransport(resend()));
 * await transporter.sendMail({ from: "ada@example.com", to: "grace@example.org", subject: "Hello", text: "Hello Grace" });
 * ```
 */
export function posthornTransport(
  backend: Backend,
  { allowUrls = false, warn = (line) => console.warn(line) }: PosthornTransportOptions = {},
): PosthornTransport {
  const { provider, features } = backend;
  const send = async (mail: NodemailerMessage): Promise<PosthornInfo> => {
    const { signal } = mail.data as { readonly signal?: AbortSignal };
    const message = await toMessage(mail, { provider, features, allowUrls, warn });
    return infoOf(
      await backend.send(message as Message, { signal: signal ?? undefined }),
      mail.message as MimeNode,
    );
  };
  return {
    name: `Posthorn (${provider})`,
    version: "posthorn",
    supportsAbortSignal: true,
    send: (mail, callback) => {
      send(mail).then(
        (info) => callback(null, info),
        (error: unknown) => callback(wrap(error), undefined),
      );
    },
    verify: (callback) => settle(verify(backend), callback),
    close: () => void backend.close(),
  };
}

/** Connects where a backend can do that; APIs have no request that proves anything without sending. */
async function verify(backend: Backend): Promise<true> {
  const { verify: check } = backend as { verify?: () => Promise<unknown> };
  try {
    await check?.call(backend);
    return true;
  } catch (error) {
    throw wrap(error);
  }
}

/** A promise, or a callback where one is given. */
function settle<T>(
  promise: Promise<T>,
  callback: ((error: unknown, value: unknown) => void) | undefined,
): unknown {
  if (!callback) return promise;
  return void promise.then(
    (value) => callback(null, value),
    (error: unknown) => callback(error, undefined),
  );
}

function infoOf(result: SendResult, node: MimeNode): PosthornInfo {
  const { from = false, to = [] } = node.getEnvelope();
  const having = (...statuses: readonly string[]): string[] =>
    Object.entries(result.recipients)
      .filter(([, { status }]) => statuses.includes(status))
      .map(([address]) => address);
  const ownId = String(node.getHeader("Message-ID") ?? "");
  const id =
    result.messageId ??
    Object.values(result.recipients).find(({ messageId }) => messageId !== null)?.messageId;
  return {
    envelope: { from, to: [...to] },
    messageId: id === undefined || id === null ? ownId : String(id),
    accepted: having("queued", "sent"),
    rejected: having("invalid", "rejected", "failed"),
    pending: having("unknown"),
    response: `${result.status} by ${result.provider}`,
    posthorn: result,
  };
}

function wrap(error: unknown): Error {
  if (error instanceof PosthornError) return new PosthornTransportError(error);
  return error instanceof Error ? error : new Error(String(error));
}

function nodemailerCode(error: PosthornError): string {
  if (error instanceof ConfigurationError) return "ECONFIG";
  if (error instanceof InvalidAddressError || error instanceof RecipientsRefusedError) return "EENVELOPE";
  if (error instanceof InvalidMessageError || error instanceof UnsupportedFeatureError) return "EMESSAGE";
  if (error instanceof ApiError) return [401, 403, 530, 535].includes(error.status) ? "EAUTH" : "EMESSAGE";
  if (error instanceof TransportError) return transportCode(error);
  // A pool's error: the last provider's decides.
  return error.cause instanceof PosthornError && error.cause !== error
    ? nodemailerCode(error.cause)
    : "EMESSAGE";
}

function transportCode({ code, phase }: TransportError): string {
  if (code === "ABORTED") return "EABORT";
  if (code === "TIMEOUT" || code === "DEADLINE") return "ETIMEDOUT";
  if (code === "RATE_LIMITED") return "EMAXLIMIT";
  if (phase === "other") return "ETLS";
  return phase === "connect" ? "ECONNECTION" : "ESOCKET";
}
