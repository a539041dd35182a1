/** Web handlers on Node's `http` and on Express: `@posthorn/core/node`. */

/** What is needed of Node's `IncomingMessage`, and of Express's request. */
export interface NodeRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  /** The path that was asked for. Express's routers shorten `url`, and keep the whole in `originalUrl`. */
  readonly url?: string | undefined;
  readonly originalUrl?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket?: { readonly encrypted?: boolean } | undefined;
  /** The body, where middleware read it before. */
  readonly body?: unknown;
  /** Its exact bytes, where middleware kept them. */
  readonly rawBody?: unknown;
  readonly readableEnded?: boolean | undefined;
}

/** What is needed of Node's `ServerResponse`. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string): unknown;
  end(body?: Uint8Array): unknown;
}

/**
 * A web handler as a listener for `http.createServer` and a handler for Express.
 *
 * Mount it before `express.json()` and the like: signatures are over the exact bytes. Where middleware has to come first, let it keep them
 * (`express.raw({ type: "*" + "/*" })`, or `verify` that sets `req.rawBody`).
 */
export function toNodeHandler(
  handler: (request: Request) => Promise<Response>,
): (request: NodeRequest, response: NodeResponse) => Promise<void> {
  return async (incoming, outgoing) => {
    try {
      const response = await handler(toRequest(incoming));
      outgoing.statusCode = response.status;
      response.headers.forEach((value, name) => {
        outgoing.setHeader(name, value);
      });
      outgoing.end(new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      if (!outgoing.headersSent) {
        outgoing.statusCode = 500;
        outgoing.setHeader("content-type", "text/plain; charset=utf-8");
      }
      const known = error instanceof BodyLostError ? error.message : "the request could not be handled";
      outgoing.end(new TextEncoder().encode(`${known}\n`));
    }
  };
}

class BodyLostError extends Error {}

function toRequest(incoming: NodeRequest): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    // HTTP/2 names that begin with a colon are no headers.
    if (value === undefined || name.startsWith(":")) continue;
    for (const single of typeof value === "string" ? [value] : value) headers.append(name, single);
  }
  const scheme = incoming.socket?.encrypted ? "https" : "http";
  const path = incoming.originalUrl ?? incoming.url ?? "/";
  const url = new URL(
    path.startsWith("/") ? `${scheme}://${headers.get("host") ?? "localhost"}${path}` : path,
  );
  const method = incoming.method ?? "GET";
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers });
  return new Request(url, { method, headers, ...bodyOf(incoming) });
}

function bodyOf(incoming: NodeRequest): RequestInit & { duplex?: "half" } {
  for (const kept of [incoming.rawBody, incoming.body]) {
    if (kept instanceof Uint8Array || typeof kept === "string") return { body: kept as BodyInit };
  }
  if (incoming.readableEnded) {
    throw new BodyLostError(
      "the body was read by middleware before the webhook; mount the webhook first, or keep the exact bytes as req.rawBody",
    );
  }
  const iterator = incoming[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
  return { body, duplex: "half" };
}
