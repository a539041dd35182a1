import { ConfigurationError, WebhookRequestError, WebhookSignatureError } from "../errors.js";
import { checkBasicAuth } from "./basic-auth.js";
import { type Secrets, secretList, type WebhookOptions } from "./options.js";
import { readPost, type WebhookPost } from "./post.js";
import { eventKey } from "./store.js";

/** A handler of posts. It never throws; what goes wrong is its answer's status and reason. */
export type WebhookHandler = (request: Request) => Promise<Response>;

/** What is particular to a provider's webhook. */
export interface WebhookSpec<E> {
  /** Display name of the provider. */
  readonly provider: string;
  /** Bytes of a post, where the options do not say. */
  readonly maxBodyBytes: number;
  /** Checks the provider's own signature. @throws WebhookSignatureError */
  readonly verify?: ((post: WebhookPost) => void | Promise<void>) | undefined;
  /** What to give so that posts can be verified, beside `basicAuth`: named in the error when nothing is. */
  readonly verifiedBy?: string | undefined;
  /** Whether a post without credentials is asked for them with 401, for senders that try without them first. */
  readonly challenge?: boolean;
  /**
   * Status of the response to a post whose signature does not match. Some providers drop what is refused with a 4xx, and
   * try again after a 5xx alone, so that a key that is wrong for an hour loses nothing.
   *
   * @default 400
   */
  readonly signatureStatus?: number | undefined;
  /**
   * Status instead of 500 and 503, for a provider that posts again after this one alone.
   *
   * @default 500, or 503 where it is to post again soon
   */
  readonly retryStatus?: number | undefined;
  /** The key by which an event is handled once, where it is not {@link eventKey}: what the provider's signature covers. */
  readonly keyOf?: ((event: E) => string) | undefined;
  /** The events of a verified post, in order. What one entry cannot be read for goes to `report`. */
  readonly read: (
    post: WebhookPost,
    report: (error: unknown) => void,
  ) => readonly E[] | Promise<readonly E[]>;
}

/** What every event has. */
export interface EventLike {
  readonly provider: string;
  readonly eventType: string;
  readonly eventId: string | number | null;
  readonly recipient?: string | null;
  readonly raw?: unknown;
}

/**
 * Makes a webhook: reads the post within its limits, verifies it over the raw bytes, and hands out its events.
 *
 * @throws ConfigurationError when there is nothing to verify by, unless the options say `insecure`
 */
export function webhookHandler<E extends EventLike>(
  spec: WebhookSpec<E>,
  options: WebhookOptions<E> & { readonly basicAuth?: Secrets | undefined },
): WebhookHandler {
  const { provider, signatureStatus = 400, retryStatus } = spec;
  const secrets = secretList(options.basicAuth);
  if (!spec.verify && secrets.length === 0 && !options.insecure) {
    const what = [spec.verifiedBy, "basicAuth"].filter(Boolean).join(" or ");
    throw new ConfigurationError(
      `${provider}: nothing to verify posts by: pass ${what}, or insecure: true to take posts from anyone`,
      { provider },
    );
  }
  const { maxConcurrent = 100 } = options;
  let underWay = 0;
  const limits = {
    maxBodyBytes: options.maxBodyBytes ?? spec.maxBodyBytes,
    maxParts: options.maxParts ?? 1000,
    timeout: options.timeout ?? 30_000,
  };

  const notify = (error: unknown, request: Request): void => {
    try {
      options.onError?.(error, request);
    } catch {
      // What the caller's own function throws must not become a crash of the server, nor lose an event.
    }
  };

  async function handle(request: Request): Promise<Response> {
    // Providers look whether the URL is there before they accept it.
    if (request.method === "GET" || request.method === "HEAD") return answer(200);
    if (request.method !== "POST") return answer(405, "post only", { allow: "GET, HEAD, POST" });
    if (secrets.length > 0) {
      if (spec.challenge && !request.headers.has("authorization")) {
        notify(new WebhookSignatureError(`${provider}: HTTP basic auth is missing`, { provider }), request);
        return answer(401, "credentials are missing", { "www-authenticate": 'Basic realm="webhook"' });
      }
      await checkBasicAuth(provider, secrets, request.headers);
    }
    const post = await readPost(request, limits);
    await spec.verify?.(post);
    const unread: unknown[] = [];
    const events = await spec.read(post, (error) => {
      unread.push(error);
      notify(error, request);
    });
    let failed = false;
    let busy = false;
    for (const [index, event] of events.entries()) {
      try {
        if (!(await deliver(event, () => keyOf(event, post, index)))) busy = true;
      } catch (error) {
        failed = true;
        notify(error, request);
      }
    }
    // Not the error itself: its words may hold what is nobody else's business.
    if (failed) return answer(500, "an event was not handled");
    if (unread.length > 0) return answerTo(unread[0], signatureStatus);
    return busy ? answer(503, "an event is being handled; post it again", RETRY_LATER) : answer(200);
  }

  const keyOf = (event: E, post: WebhookPost, index: number): string | Promise<string> =>
    spec.keyOf?.(event) ?? eventKey(event, event.eventType === "inbound" ? post.body : undefined, index);

  /** Hands out an event, once. `false` when somebody else is at it. */
  async function deliver(event: E, key: () => string | Promise<string>): Promise<boolean> {
    const { store, onEvent } = options;
    if (!store) {
      await onEvent(event);
      return true;
    }
    const claimed = await key();
    const claim = await store.claim(claimed);
    if (claim === "done") return true;
    if (claim === "busy") return false;
    try {
      await onEvent(event);
    } catch (error) {
      await store.release(claimed);
      throw error;
    }
    await store.complete(claimed);
    return true;
  }

  async function respond(request: Request): Promise<Response> {
    if (underWay >= maxConcurrent) return answer(503, "too many posts at once; post it again", RETRY_LATER);
    underWay++;
    try {
      return await handle(request);
    } catch (error) {
      notify(error, request);
      return answerTo(error, signatureStatus);
    } finally {
      underWay--;
    }
  }

  if (retryStatus === undefined) return respond;
  return async (request) => {
    const response = await respond(request);
    if (response.status < 500) return response;
    return new Response(response.body, { status: retryStatus, headers: response.headers });
  };
}

const RETRY_LATER = { "retry-after": "10" };

/** What a post is answered that cannot be taken. Words are told only of errors that are about the post itself. */
function answerTo(error: unknown, signatureStatus: number): Response {
  if (error instanceof WebhookSignatureError) return answer(signatureStatus, error.message);
  if (error instanceof WebhookRequestError) return answer(error.status, error.message);
  if (error instanceof ConfigurationError) return answer(500, error.message);
  return answer(500, "the post could not be handled");
}

function answer(status: number, reason = "ok", headers: Record<string, string> = {}): Response {
  return new Response(`${reason}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}
