/** Web handlers on Node's `http`, `https` and `http2`, and on Express: `@posthorn/core/node`. */
import type { IncomingBody } from "./body.js";
import { type NodeRequest, NodeRequestError, toRequest } from "./request.js";
import { type NodeResponse, sendResponse } from "./response.js";

export type { NodeBody } from "./body.js";
export { type NodeRequest, NodeRequestError } from "./request.js";
export type { NodeResponse } from "./response.js";

/** Options of {@link toNodeHandler}. */
export interface NodeHandlerOptions {
  /**
   * Scheme and host that the server is reached by, such as `https://hooks.example.com`. Default: as the request says,
   * which behind a proxy is not what its sender asked for.
   */
  readonly origin?: string | undefined;
  /** Called with what the handler threw, and with a {@link NodeRequestError} for what did not get as far as it. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * A web handler as a listener for `http.createServer` and a handler for Express. The promise does not reject.
 *
 * Mount it before `express.json()` and the like: signatures are over the exact bytes. Where middleware has to come
 * first, let it keep them (`express.raw({ type: () => true })`, or `verify` that sets `req.rawBody`).
 */
export function toNodeHandler(
  handler: (request: Request) => Response | Promise<Response>,
  options: NodeHandlerOptions = {},
): (request: NodeRequest, response: NodeResponse) => Promise<void> {
  const origin = options.origin === undefined ? undefined : new URL(options.origin).origin;
  return async (incoming, outgoing) => {
    let rest: IncomingBody | undefined;
    try {
      const made = toRequest(incoming, origin);
      rest = made.rest;
      const response = await handler(made.request);
      await sendResponse(outgoing, response, incoming.method === "HEAD");
    } catch (error) {
      report(error, options);
      refuse(outgoing, error);
    }
    await rest?.discard();
  };
}

function report(error: unknown, { onError }: NodeHandlerOptions): void {
  try {
    onError?.(error);
  } catch {
    // What the caller's own function throws must not become a crash of the server.
  }
}

/** Answers with an error; cuts the connection when an answer has begun. */
function refuse(outgoing: NodeResponse, error: unknown): void {
  const known = error instanceof NodeRequestError ? error : undefined;
  try {
    if (outgoing.headersSent) {
      outgoing.destroy?.();
      return;
    }
    outgoing.statusCode = known?.status ?? 500;
    outgoing.setHeader("content-type", "text/plain; charset=utf-8");
    // Not the error's own words: they may hold what is nobody else's business.
    outgoing.write(new TextEncoder().encode(`${known?.message ?? "the request could not be handled"}\n`));
    outgoing.end();
  } catch {
    // The client went away, and HTTP/2 throws where HTTP/1 is silent.
  }
}
