import { apiErrorFrom } from "../backend/api-error.js";
import { describeBody, type RequestBody } from "../backend/body.js";
import { type DeliveryPort, headerLines, wireRequest } from "../backend/delivery.js";
import { PORT } from "../backend/provider.js";
import {
  ApiError,
  ConfigurationError,
  InvalidMessageError,
  PosthornError,
  UnsupportedFeatureError,
} from "../errors.js";
import { parseAddress } from "../message/address.js";
import { parseSendAt, type SendTime } from "../message/send-at.js";
import type { MessageId } from "../result.js";
import type { RejectReason, TrackingEvent, TrackingEventType } from "../webhooks/event.js";

/**
 * What a provider offers once a message is sent. Each is a method of {@link Manager} of the same name; `false`: the provider
 * lacks it, and calling it is a type error, and an {@link UnsupportedFeatureError} at run time.
 */
export interface ManageFeatures {
  readonly retrieve: boolean;
  readonly cancel: boolean;
  readonly reschedule: boolean;
  readonly "suppressions.list": boolean;
  readonly "suppressions.add": boolean;
  readonly "suppressions.remove": boolean;
  readonly "suppressions.has": boolean;
}

/** Every feature that a provider does not name is one that it lacks. */
export type DefinedManageFeatures<F extends Partial<ManageFeatures>> = {
  readonly [K in keyof ManageFeatures]: K extends keyof F ? Exclude<F[K], undefined> : false;
};

const NO_FEATURES: ManageFeatures = {
  retrieve: false,
  cancel: false,
  reschedule: false,
  "suppressions.list": false,
  "suppressions.add": false,
  "suppressions.remove": false,
  "suppressions.has": false,
};

/**
 * What a provider offers once a message is sent, named one by one; those left out are `false`.
 *
 * @example
 * ```ts
 * const features = defineManageFeatures({ retrieve: true, "suppressions.list": true });
 * ```
 */
export function defineManageFeatures<const F extends Partial<ManageFeatures>>(
  features: F & { readonly [K in Exclude<keyof F, keyof ManageFeatures>]: never },
): DefinedManageFeatures<F> {
  return { ...NO_FEATURES, ...features } as unknown as DefinedManageFeatures<F>;
}

/** Options of one call. */
export interface CallOptions {
  /** Ends the call, wherever it is. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds for one attempt.
   *
   * @default the backend's `timeout`
   */
  readonly timeout?: number | undefined;
}

/** What has become of a message: the words of webhook events, `scheduled` and `cancelled`, or `mixed` when recipients differ. */
export type MessageStatus = TrackingEventType | "scheduled" | "cancelled" | "mixed";

/** One thing that happened to a message, in the words of webhook events. */
export type MessageEvent = Pick<
  TrackingEvent,
  "eventType" | "recipient" | "timestamp" | "rejectReason" | "description" | "mtaResponse" | "raw"
>;

/** What a provider knows of a message. */
export interface RetrievedMessage {
  /** The id that it was asked for by. */
  readonly messageId: MessageId;
  /** Ids of the single messages, where `messageId` is that of a bulk; otherwise that one alone. */
  readonly messageIds: readonly MessageId[];
  readonly status: MessageStatus;
  /** When it is scheduled to go. */
  readonly sendAt: Date | null;
  /** Oldest first; empty where the provider gives none. */
  readonly events: readonly MessageEvent[];
  /** The provider's responses, parsed. */
  readonly raw: unknown;
}

/** Why an address is suppressed, in the words of webhook events. `spam`: its owner complained. */
export type SuppressionReason = Exclude<RejectReason, "timed_out">;

/** An address that a provider does not send to. */
export interface Suppression {
  /** As the provider writes it. */
  readonly address: string;
  readonly reason: SuppressionReason;
  /** Since when. */
  readonly createdAt: Date | null;
  /** The provider's words. */
  readonly description: string | null;
  /** The provider's entry, parsed. */
  readonly raw: unknown;
}

/** What a new suppression says beside its address. */
export interface SuppressionDetails extends CallOptions {
  /**
   * Why. Providers that keep a list for each reason have those alone.
   *
   * @default the provider's list for addresses that you block yourself
   */
  readonly reason?: SuppressionReason | undefined;
  /** A note, where the provider keeps one. */
  readonly description?: string | undefined;
}

type Method<Supported extends boolean, F> = [Supported] extends [false]
  ? (notSupported: never) => Promise<never>
  : F;

/**
 * What can be done about messages that were sent, and the addresses that a provider does not send to. All of it goes by the
 * backend's session: its retries (each of these calls may be repeated without harm), timeouts, hooks and rate limit.
 *
 * In errors of these calls `delivery` tells of the call itself: `not-sent`, it has changed nothing; `unknown`, it may have;
 * `accepted`, it has, although its response cannot be read.
 */
export interface Manager<F extends ManageFeatures = ManageFeatures> {
  /** Display name of the provider. */
  readonly provider: string;
  readonly features: F;
  /**
   * What the provider knows of a message; `undefined` when it knows none of this id, or no longer.
   *
   * @throws ApiError, TransportError
   */
  readonly retrieve: Method<
    F["retrieve"],
    (id: MessageId, options?: CallOptions) => Promise<RetrievedMessage | undefined>
  >;
  /**
   * Cancels a scheduled message.
   *
   * @throws ApiError when it cannot be cancelled any more
   */
  readonly cancel: Method<F["cancel"], (id: MessageId, options?: CallOptions) => Promise<void>>;
  /**
   * Gives a scheduled message another time.
   *
   * @param when as a message's `sendAt`
   * @throws InvalidMessageError when that is not a moment
   * @throws ApiError when it cannot be changed any more
   */
  readonly reschedule: Method<
    F["reschedule"],
    (id: MessageId, when: Date | string | number, options?: CallOptions) => Promise<void>
  >;
  readonly suppressions: {
    /** All suppressed addresses. Pages are fetched as they are needed. */
    readonly list: [F["suppressions.list"]] extends [false]
      ? (notSupported: never) => AsyncIterable<never>
      : (options?: CallOptions) => AsyncIterable<Suppression>;
    /** Suppresses an address. One that is suppressed already stays so. */
    readonly add: Method<
      F["suppressions.add"],
      (address: string, details?: SuppressionDetails) => Promise<void>
    >;
    /** Lets an address have messages again. @returns whether it was suppressed */
    readonly remove: Method<
      F["suppressions.remove"],
      (address: string, options?: CallOptions) => Promise<boolean>
    >;
    /** Whether an address is suppressed. Where a provider cannot be asked that, its list is read until the address is found. */
    readonly has: Method<F["suppressions.has"], (address: string, options?: CallOptions) => Promise<boolean>>;
  };
}

/** What a provider implements: the methods that it has. Arguments are checked before. */
export interface ManageMethods {
  retrieve?(id: string, options: CallOptions): Promise<RetrievedMessage | undefined>;
  cancel?(id: string, options: CallOptions): Promise<void>;
  reschedule?(id: string, when: SendTime, options: CallOptions): Promise<void>;
  list?(options: CallOptions): AsyncIterable<Suppression>;
  add?(address: string, details: SuppressionDetails): Promise<void>;
  remove?(address: string, options: CallOptions): Promise<boolean>;
  /** Without it, the list is read. */
  has?(address: string, options: CallOptions): Promise<boolean>;
}

/** One request of a manager. */
export interface ManageRequest {
  /** @default "GET" */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path below the API's base URL, or a whole URL. What comes from outside is percent-encoded in it. */
  readonly path: string;
  /** Parameters of the query; `undefined` leaves one out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Statuses beside 2xx that are no errors, such as 404 for what is gone already. */
  readonly readable?: readonly number[];
}

/** A response to a manager. */
export interface ManageResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Whether an attempt before the last may have been carried out: then a 404 of a `DELETE` is a success. */
  readonly uncertain: boolean;
  /**
   * The body as JSON; `undefined` when it is empty.
   *
   * @throws ApiError when it is not JSON
   */
  json(): unknown;
  /** An error made of this response. */
  error(message: string, code?: string | number): ApiError;
}

/** What a provider's methods use of its backend. */
export interface ManageApi<O> {
  /** Display name of the provider. */
  readonly provider: string;
  /** The backend's options. */
  readonly options: O;
  /** The whole URL of a path below the API's base: where other hosts are told from it. */
  urlOf(path: string): string;
  /** @throws ApiError, TransportError unless the response is 2xx or `readable` */
  request(request: ManageRequest, options?: CallOptions): Promise<ManageResponse>;
  /** An error for an id that the provider does not have. */
  notFound(id: string): InvalidMessageError;
  /** An error for what the provider does not offer. */
  unsupported(field: keyof ManageFeatures, what?: string): UnsupportedFeatureError;
}

/**
 * Makes a provider's manager over one of its backends.
 *
 * @param name display name of the provider
 * @throws ConfigurationError when the backend is none of this provider
 * @example
 * ```ts
 * export function manage(backend: ExampleBackend): Manager<ExampleManageFeatures> {
 *   return createManager<ExampleManageFeatures, ExampleOptions>(backend, "Example", exampleManageFeatures, methods);
 * }
 * ```
 */
export function createManager<F extends ManageFeatures, O>(
  backend: object,
  name: string,
  features: F,
  methods: (api: ManageApi<O>) => ManageMethods,
): Manager<F> {
  const holder = (backend ?? {}) as {
    readonly provider?: string;
    readonly [PORT]?: DeliveryPort;
    ready?(): Promise<void>;
  };
  if (holder.provider !== name || !(PORT in holder))
    throw new ConfigurationError(`manage() of ${name} must be given a backend of ${name}`, {
      provider: name,
    });
  // Asked for at each call: a backend that was closed makes another session.
  const port = (): DeliveryPort => holder[PORT] as DeliveryPort;
  const api: ManageApi<O> = {
    provider: name,
    options: port().options as O,
    urlOf: (path) => port().urlOf(path),
    request: async (request, options) => {
      // A key that is missing is reported at first use.
      await holder.ready?.();
      return exchange(port(), request, options);
    },
    notFound: (id) =>
      new InvalidMessageError(`${name} has no message with the id "${id}" that this can be done to`, {
        provider: name,
        field: "id",
      }),
    unsupported: (field, what = field) =>
      new UnsupportedFeatureError(`${name} does not support ${what}`, { provider: name, field }),
  };
  const own = methods(api);
  const call = <A extends readonly unknown[], R>(
    field: keyof ManageFeatures,
    method: ((...args: A) => Promise<R>) | undefined,
  ) => {
    return async (prepare: () => A): Promise<R> => {
      if (!features[field] || !method) throw api.unsupported(field);
      return guarded(name, async () => method(...prepare()));
    };
  };
  const list = async function* (options: CallOptions = {}): AsyncGenerator<Suppression, void, undefined> {
    if (!features["suppressions.list"] || !own.list) throw api.unsupported("suppressions.list");
    yield* guardedEach(name, own.list(options));
  };
  const has = async (address: string, options: CallOptions): Promise<boolean> => {
    if (own.has) return own.has(address, options);
    for await (const entry of list(options))
      if (entry.address.toLowerCase() === address.toLowerCase()) return true;
    return false;
  };
  const retrieve = call("retrieve", own.retrieve);
  const cancel = call("cancel", own.cancel);
  const reschedule = call("reschedule", own.reschedule);
  const add = call("suppressions.add", own.add);
  const remove = call("suppressions.remove", own.remove);
  const check = call("suppressions.has", has);
  return {
    provider: name,
    features,
    retrieve: (id: MessageId, options: CallOptions = {}) => retrieve(() => [idOf(id), options]),
    cancel: (id: MessageId, options: CallOptions = {}) => cancel(() => [idOf(id), options]),
    reschedule: (id: MessageId, when: unknown, options: CallOptions = {}) =>
      reschedule(() => [idOf(id), timeOf(when), options]),
    suppressions: {
      list,
      add: (address: string, details: SuppressionDetails = {}) => add(() => [addressOf(address), details]),
      remove: (address: string, options: CallOptions = {}) => remove(() => [addressOf(address), options]),
      has: (address: string, options: CallOptions = {}) => check(() => [addressOf(address), options]),
    },
  } as unknown as Manager<F>;
}

/**
 * Reads pages as they are needed.
 *
 * @param read gives the entries of a page, and the cursor of the next, from the cursor that the page before gave
 */
export async function* pages<T>(
  read: (
    cursor: string | undefined,
  ) => Promise<{ readonly items: readonly T[]; readonly next: string | undefined }>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  for (;;) {
    const { items, next } = await read(cursor);
    yield* items;
    // A page that is its own next would never end.
    if (next === undefined || next === "" || next === cursor) return;
    cursor = next;
  }
}

/** An event out of what is known of it. */
export function messageEvent(raw: unknown, fields: Partial<Omit<MessageEvent, "raw">>): MessageEvent {
  return {
    eventType: fields.eventType ?? "unknown",
    recipient: fields.recipient ?? null,
    timestamp: fields.timestamp ?? null,
    rejectReason: fields.rejectReason ?? null,
    description: fields.description ?? null,
    mtaResponse: fields.mtaResponse ?? null,
    raw,
  };
}

/** A message out of what is known of it. Without a `status`, that is what its events have come to. */
export function retrievedMessage(
  messageId: MessageId,
  raw: unknown,
  fields: Partial<Omit<RetrievedMessage, "messageId" | "raw">>,
): RetrievedMessage {
  const events = [...(fields.events ?? [])].sort((a, b) => timeOfEvent(a) - timeOfEvent(b));
  return {
    messageId,
    messageIds: fields.messageIds ?? [messageId],
    status: fields.status ?? statusOf(events),
    sendAt: fields.sendAt ?? null,
    events,
    raw,
  };
}

/** A suppression out of what is known of it. */
export function suppression(
  address: string,
  raw: unknown,
  fields: Partial<Omit<Suppression, "address" | "raw">>,
): Suppression {
  const { reason = "other", createdAt = null, description = null } = fields;
  return { address, reason, createdAt, description, raw };
}

/** What recipients do only with a message that was delivered. */
const ENGAGEMENT: ReadonlySet<string> = new Set([
  "opened",
  "clicked",
  "complained",
  "unsubscribed",
  "subscribed",
  "autoresponded",
]);

/** What the events of all recipients have come to: for each the last that tells of delivery. */
function statusOf(events: readonly MessageEvent[]): MessageStatus {
  const last = new Map<string | null, MessageStatus>();
  for (const { recipient, eventType } of events) {
    if (ENGAGEMENT.has(eventType)) last.set(recipient, "delivered");
    else if (eventType !== "unknown") last.set(recipient, eventType);
  }
  // What names no recipient is of all of them.
  if (last.size > 1) last.delete(null);
  const [first = "unknown", ...rest] = new Set(last.values());
  return rest.length > 0 ? "mixed" : first;
}

function timeOfEvent({ timestamp }: MessageEvent): number {
  return timestamp?.getTime() ?? 0;
}

async function exchange(
  port: DeliveryPort,
  request: ManageRequest,
  options: CallOptions = {},
): Promise<ManageResponse> {
  const { method = "GET", query = {}, body, readable = [] } = request;
  const url = new URL(port.urlOf(request.path));
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.append(name, String(value));
  const wire = wireRequest(
    port,
    {
      method,
      path: url.href,
      headers: request.headers ?? {},
      body: body ?? { form: [] },
      recipients: [],
    },
    { signal: options.signal, timeout: options.timeout },
    false,
  );
  const { "content-type": contentType = "", ...bare } = wire.headers;
  const sent = {
    ...wire,
    headers: body ? { ...bare, "content-type": contentType } : bare,
    body: body && wire.body,
    // Reads, deletes, and setting what may be set again: a second time makes no difference.
    idempotent: true,
    repeatable: true,
    idempotencyWindow: undefined,
  };
  const { redactor } = wire;
  port.debug(
    () =>
      `→ ${method} ${wire.url}\n${headerLines(redactor.headers(sent.headers))}${body ? `\n${describeBody(body)}` : ""}`,
    redactor,
  );
  const received = await port.session.request(sent);
  const { status, headers, text, uncertain } = received;
  port.debug(() => `← ${status}\n${headerLines(redactor.headers(headers))}\n${text}`, redactor);
  const isRead = received.delivery === "accepted" || readable.includes(status);
  if (!isRead || received.bodyError !== undefined)
    throw apiErrorFrom(port.provider, redactor, sent, received, port.readError);
  const error = (message: string, code?: string | number): ApiError =>
    new ApiError(`${port.provider}: ${redactor.text(message)}`, {
      provider: port.provider,
      status,
      headers: redactor.headers(headers),
      body: redactor.text(text),
      code,
      delivery: received.delivery,
      attempts: received.attempts,
      request: redactor.request(sent),
    });
  const json = (): unknown => {
    if (text.trim() === "") return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw error(`answered ${status} with something that is not JSON`);
    }
  };
  return { status, headers, text, uncertain, json, error };
}

/** A response may be anything: what reading it throws is no error of ours to show as it is. */
async function guarded<T>(provider: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw wrap(provider, error);
  }
}

async function* guardedEach<T>(
  provider: string,
  items: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await guarded(provider, () => iterator.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

function wrap(provider: string, cause: unknown): PosthornError {
  return cause instanceof PosthornError
    ? cause
    : new PosthornError(`${provider}: the response cannot be read: ${String(cause)}`, {
        provider,
        delivery: "accepted",
        cause,
      });
}

function idOf(id: unknown): string {
  if ((typeof id === "string" && id !== "") || (typeof id === "number" && Number.isFinite(id)))
    return String(id);
  throw new InvalidMessageError('"id" must be a message id: a string or a number', { field: "id" });
}

function timeOf(when: unknown): SendTime {
  try {
    return parseSendAt(when);
  } catch {
    throw new InvalidMessageError('"when" must be a Date, ISO 8601 or seconds since the epoch', {
      field: "when",
    });
  }
}

function addressOf(address: unknown): string {
  return parseAddress(address as string, "address").email;
}
