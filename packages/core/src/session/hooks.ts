/**
 * ofetch's interceptors, called at each attempt; those written with ofetch's own types fit too. Its `onResponseError` is not
 * among them: here no status is an error to ofetch, so it would not be called.
 */
export interface FetchHooks {
  onRequest?: FetchHook<FetchContext> | FetchHook<FetchContext>[];
  /** When there was no answer. */
  onRequestError?: FetchHook<FailedFetch> | FetchHook<FailedFetch>[];
  /** After an answer of any status, before its body is read. */
  onResponse?: FetchHook<AnsweredFetch> | FetchHook<AnsweredFetch>[];
}

/** One interceptor. */
export type FetchHook<C extends FetchContext> = (context: C) => void | Promise<void>;

/**
 * A request as ofetch is about to make it, and what became of it. `onRequest` may change `request` and `options`.
 * Written out here, since ofetch is built into this package and its own types need undici's.
 */
export interface FetchContext {
  request: string | Request;
  options: Omit<RequestInit, "body" | "headers"> & {
    headers: Headers;
    body?: RequestInit["body"] | Record<string, unknown>;
    baseURL?: string;
    query?: Record<string, unknown>;
  };
  response?: Response;
  error?: Error;
}

export type FailedFetch = FetchContext & { error: Error };

export type AnsweredFetch = FetchContext & { response: Response };
