import type { AttemptRecord } from "../attempt.js";
import type { ByteChunks } from "../bytes/chunks.js";
import { ApiError, type Delivery, PosthornError, type PosthornErrorCode, reasonOf } from "../errors.js";
import type { Features } from "../message/features.js";
import type { NormalizedMessage } from "../message/normalize.js";
import {
  makeResult,
  type RecipientResult,
  type RecipientResults,
  RecipientsRefusedError,
  type SendResult,
} from "../result.js";
import type { Redactor } from "../session/redact.js";
import type { SessionRequest, SessionResponse } from "../session/request.js";
import type { Session } from "../session/session.js";
import { apiErrorFrom, judge, type ReadError } from "./api-error.js";
import type { SendOptions } from "./backend.js";
import { describeBody, encodeBody } from "./body.js";
import type { BackendOptions } from "./options.js";
import type { ProviderRequest, ProviderResponse } from "./provider.js";

/** Milliseconds. A key that is kept for less may be gone when a queue sends again. */
const DAY = 86_400_000;

/** What a delivery uses of its backend. */
export interface DeliveryPort {
  readonly provider: string;
  readonly features: Features;
  /** Milliseconds that the provider keeps idempotency keys. */
  readonly idempotencyWindow: number | undefined;
  readonly options: Pick<BackendOptions, "ignoreRecipientStatus">;
  /** Writes a line to the debug log. */
  debug(line: () => string, redactor: Redactor): void;
  readonly redactor: Redactor;
  readonly session: Session;
  /** The whole URL of a path below the API's base. */
  urlOf(path: string): string;
  authHeaders(): Readonly<Record<string, string>>;
  readonly sign: SignRequest | undefined;
  readResponse(response: ProviderResponse): RecipientResults;
  /** What a response without a body gives to the result's `responses`. */
  valueOfHeaders(response: ProviderResponse): unknown;
  readonly readError: ReadError;
}

/** Gives the headers of one attempt, for providers whose authentication covers the request itself. */
export type SignRequest = (
  request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | ByteChunks;
  },
  now: number,
) => Promise<Readonly<Record<string, string>>>;

/** How many requests of one message are under way at once. */
const SIDE_BY_SIDE = 4;

/**
 * Makes the requests of one message and puts their results together. The first goes alone: what ends it, such as a wrong key, would
 * end the others too. Then they go side by side.
 *
 * @param isKeyed whether the idempotency key is the caller's: one made here is another at each send
 * @param deadlineAt when all of them end at the latest, by the clock's monotonic time
 */
export async function deliver(
  port: DeliveryPort,
  message: NormalizedMessage,
  requests: readonly ProviderRequest[],
  options: SendOptions,
  isKeyed: boolean,
  deadlineAt: number = port.session.deadlineAt(port.features.idempotencyKey, options.retry),
): Promise<SendResult> {
  const { provider } = port;
  const outcomes: (
    | {
        readonly response: ProviderResponse;
        readonly received: SessionResponse;
        readonly recipients: RecipientResults;
      }
    | { readonly error: PosthornError; readonly recipients?: RecipientResults }
  )[] = [];
  let next = 0;
  let end: PosthornError | undefined;
  const one = async (): Promise<void> => {
    const index = next++;
    const request = requests[index] as ProviderRequest;
    try {
      const received = await call(port, request, options, isKeyed, deadlineAt);
      const response = providerResponse(port, received, request, index, request.message ?? message);
      const recipients = readRecipients(port, response);
      const failure = failureOfAll(recipients, response);
      outcomes[index] = failure ? { error: failure, recipients } : { response, received, recipients };
    } catch (thrown) {
      const error = thrown instanceof PosthornError ? thrown : wrapUnexpected(provider, thrown);
      outcomes[index] = { error };
      if (endsAll(error)) end ??= error;
    }
  };
  const several = async (): Promise<void> => {
    while (!end && next < requests.length) await one();
  };
  if (requests.length > 0) await one();
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, several));
  const recipients: Record<string, RecipientResult> = {};
  const attempts: AttemptRecord[] = [];
  const responses: unknown[] = [];
  const errors: PosthornError[] = [];
  for (const [index, request] of requests.entries()) {
    const outcome = outcomes[index];
    if (outcome && "received" in outcome) {
      attempts.push(...outcome.received.attempts);
      Object.assign(recipients, outcome.recipients);
      responses.push(bodyValue(port, outcome.response));
    } else {
      if (outcome) {
        attempts.push(...outcome.error.attempts);
        errors.push(outcome.error);
      }
      // What was not begun was not sent.
      const failed = outcome
        ? (outcome.recipients ?? failedRecipients(request, outcome.error))
        : failedRecipients(request, end, "not-sent");
      Object.assign(recipients, failed);
    }
  }
  // When some requests went through, the message as a whole must not go again: each recipient's status tells.
  if (errors.length > 0 && responses.length === 0) throw mostUncertain(errors);
  const { idempotencyKey } = message;
  const result = makeResult({ provider, recipients, attempts, responses, errors, idempotencyKey });
  if (!port.options.ignoreRecipientStatus) checkRefused(result);
  return result;
}

/** Whether an error would meet the other requests of the message too: a wrong key, no connection, an abort, the deadline. */
function endsAll(error: PosthornError): boolean {
  const { status, phase, code } = error as {
    readonly status?: number;
    readonly phase?: string;
    readonly code?: unknown;
  };
  return (
    status === 401 ||
    status === 403 ||
    phase === "connect" ||
    phase === "other" ||
    code === "ABORTED" ||
    code === "DEADLINE"
  );
}

/** A provider's request as a session takes it. */
export function wireRequest(
  port: DeliveryPort,
  request: ProviderRequest,
  options: SendOptions,
  isKeyed: boolean,
  deadlineAt?: number,
): SessionRequest & { readonly body: string | ByteChunks; readonly redactor: Redactor } {
  const { body, contentType } = encodeBody(request.body);
  const method = request.method ?? "POST";
  const url = port.urlOf(request.path);
  const headers = {
    accept: "application/json",
    "content-type": contentType,
    ...port.authHeaders(),
    ...request.headers,
  };
  const { sign, provider } = port;
  // Where the provider takes a key, every message has one by now.
  const idempotent = port.features.idempotencyKey;
  const { idempotencyWindow = Infinity } = port;
  return {
    method,
    url,
    headers,
    body,
    idempotent,
    idempotencyWindow,
    repeatable: idempotent && isKeyed && idempotencyWindow >= DAY,
    sign: sign && ((now) => sign({ method, url, headers, body }, now)),
    signal: options.signal,
    timeout: options.timeout,
    retry: options.retry,
    onRequest: options.onRequest,
    deadlineAt,
    judge: (response) => judge(response, port.readError, idempotent),
    provider,
    redactor: port.redactor.and(request.secrets ?? []),
  };
}

async function call(
  port: DeliveryPort,
  request: ProviderRequest,
  options: SendOptions,
  isKeyed: boolean,
  deadlineAt: number,
): Promise<SessionResponse> {
  const wire = wireRequest(port, request, options, isKeyed, deadlineAt);
  const { redactor } = wire;
  port.debug(
    () =>
      `→ ${wire.method} ${wire.url}\n${headerLines(redactor.headers(wire.headers))}\n${describeBody(request.body)}`,
    redactor,
  );
  const received = await port.session.request(wire);
  port.debug(
    () => `← ${received.status}\n${headerLines(redactor.headers(received.headers))}\n${received.text}`,
    redactor,
  );
  const readable = received.status < 300 || request.readable?.includes(received.status);
  if (readable && received.bodyError === undefined) return received;
  throw apiErrorFrom(port.provider, redactor, wire, received, port.readError);
}

function readRecipients(port: DeliveryPort, response: ProviderResponse): RecipientResults {
  let results: RecipientResults;
  try {
    results = port.readResponse(response);
  } catch (error) {
    if (error instanceof PosthornError) throw error;
    // It is not what the provider documents. A rejection that may be of single recipients proves nothing then.
    const delivery = response.status < 300 ? "accepted" : "unknown";
    throw response.error(`answered ${response.status} with something that cannot be read`, delivery);
  }
  if (Object.keys(results).length > 0) return withValidIds(results);
  throw response.error(
    `answered ${response.status} without a word on any recipient`,
    response.status < 300 ? "accepted" : "not-sent",
  );
}

function providerResponse(
  port: DeliveryPort,
  received: SessionResponse,
  request: ProviderRequest,
  index: number,
  message: NormalizedMessage,
): ProviderResponse {
  const { provider } = port;
  const { status, headers, text } = received;
  const error: ProviderResponse["error"] = (why, says, details = {}) => {
    const redactor = port.redactor.and(request.secrets ?? []);
    // A rejection of the last attempt does not reveal what became of those before it.
    const delivery = says === "not-sent" && received.uncertain ? "unknown" : says;
    return new ApiError(`${provider}: ${redactor.text(why)}`, {
      provider,
      status,
      headers: redactor.headers(headers),
      body: redactor.text(text),
      code: details.code,
      delivery,
      retryable: details.retryable === true && delivery === "not-sent",
      attempts: received.attempts,
      request: redactor.request({
        method: request.method ?? "POST",
        url: port.urlOf(request.path),
        headers: { ...port.authHeaders(), ...request.headers },
      }),
    });
  };
  let parsed: { readonly value: unknown } | undefined;
  const json = (): unknown => {
    try {
      parsed ??= { value: JSON.parse(text) as unknown };
      return parsed.value;
    } catch {
      throw error(
        `answered ${status} with something that is not JSON`,
        status < 300 ? "accepted" : "not-sent",
      );
    }
  };
  return {
    status,
    headers,
    text,
    request,
    index,
    message,
    json,
    error,
    everyRecipient: (result) =>
      Object.fromEntries(request.recipients.map(({ address }) => [address, result])),
  };
}

/**
 * A provider can take a request and send none of its messages, for a reason that is no recipient's: that is an error.
 */
function failureOfAll(results: RecipientResults, response: ProviderResponse): ApiError | undefined {
  const reasons = Object.values(results).map(({ status, reason }) =>
    status === "failed" ? reason : undefined,
  );
  const [first] = reasons;
  if (!first || !reasons.every(Boolean)) return undefined;
  const { message, code } = first;
  return response.error(message, "not-sent", {
    code,
    retryable: reasons.every((reason) => reason?.retryable),
  });
}

/** @throws RecipientsRefusedError when no recipient is left */
function checkRefused(result: SendResult): void {
  const { provider, attempts } = result;
  const all = Object.values(result.recipients);
  if (
    all.length === 0 ||
    result.errors.length > 0 ||
    !all.every(({ status }) => status === "invalid" || status === "rejected")
  )
    return;
  const list = Object.entries(result.recipients).map(([address, { status }]) => `${address} (${status})`);
  throw new RecipientsRefusedError(`${provider} refused every recipient: ${list.join(", ")}`, {
    provider,
    result,
    attempts,
  });
}

/** What a provider gives for an id is one only when it is a string or a number. */
function withValidIds(results: RecipientResults): RecipientResults {
  const isId = ({ messageId }: RecipientResult): boolean =>
    messageId === null || typeof messageId === "string" || typeof messageId === "number";
  if (Object.values(results).every(isId)) return results;
  return Object.fromEntries(
    Object.entries(results).map(([address, result]) => [
      address,
      isId(result) ? result : { ...result, messageId: null },
    ]),
  );
}

/** Statuses of the recipients of a request that failed while others of its message went through. */
function failedRecipients(
  request: ProviderRequest,
  error: PosthornError | undefined,
  delivery: Delivery = error?.delivery ?? "not-sent",
): RecipientResults {
  const { code, message = "not sent", retryable = false } = error ?? {};
  const status = delivery === "not-sent" ? "failed" : "unknown";
  const reason = { ...(code === undefined ? {} : { code }), message, retryable };
  return Object.fromEntries(
    request.recipients.map(({ address }) => [address, { status, messageId: null, reason }]),
  );
}

/** A session or a subclass of the caller's may throw anything, at any time. */
function wrapUnexpected(provider: string, cause: unknown): PosthornError {
  const code: PosthornErrorCode = "UNEXPECTED";
  return new PosthornError(`${provider}: ${reasonOf(cause)}`, { provider, code, delivery: "unknown", cause });
}

/** Of several errors the one that leaves the most doubt: it decides whether sending again is safe. */
export function mostUncertain(errors: readonly PosthornError[]): PosthornError | undefined {
  return ["accepted", "unknown", "not-sent"]
    .map((delivery) => errors.find((error) => error.delivery === delivery))
    .find(Boolean);
}

export function headerLines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

/** The body as JSON, or as it stands where it is none. */
function bodyValue(port: DeliveryPort, response: ProviderResponse): unknown {
  // An empty body is usual, and recording an error costs more than all else here.
  if (response.text === "") return port.valueOfHeaders(response);
  try {
    return response.json();
  } catch {
    return response.text;
  }
}
