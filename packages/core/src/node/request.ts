import { IncomingBody, type NodeBody } from "./body.js";

/** What is needed of Node's `IncomingMessage`, of its HTTP/2 kind, and of Express's request. */
export interface NodeRequest extends NodeBody {
  readonly method?: string | undefined;
  /** The path that was asked for. Express's routers shorten `url`, and keep the whole in `originalUrl`. */
  readonly url?: string | undefined;
  readonly originalUrl?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** With `encrypted` where it speaks TLS. */
  readonly socket?: object | undefined;
  /** The body, where middleware read it before. */
  readonly body?: unknown;
  /** Its exact bytes, where middleware kept them. */
  readonly rawBody?: unknown;
  readonly readableEnded?: boolean | undefined;
  readonly readableDidRead?: boolean | undefined;
}

/** A request that does not get as far as the handler: what it is answered with. */
export class NodeRequestError extends Error {
  override readonly name = "NodeRequestError";
  /** HTTP status. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** A host with or without a port (RFC 9110, 7.2). Anything else could smuggle a path of its own into the URL. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
/** Methods that a `Request` cannot have. */
const NOT_FOR_REQUESTS = /^(?:connect|trace|track)$/i;

/**
 * A request on Node as a web `Request`, and its body for whatever is left of it.
 *
 * @param origin scheme and host for the URL, instead of those that the request names
 * @throws NodeRequestError 400 or 405 where it cannot be one, 500 when middleware took the body
 */
export function toRequest(
  incoming: NodeRequest,
  origin: string | undefined,
): { readonly request: Request; readonly rest: IncomingBody | undefined } {
  const method = incoming.method ?? "GET";
  if (NOT_FOR_REQUESTS.test(method)) throw new NodeRequestError(`${method} is not for this`, 405);
  const url = urlOf(incoming, origin);
  const headers = headersOf(incoming);
  if (method === "GET" || method === "HEAD") {
    return { request: new Request(url, { method, headers }), rest: undefined };
  }
  const kept = keptBody(incoming);
  if (kept !== undefined) {
    return { request: new Request(url, { method, headers, body: kept }), rest: undefined };
  }
  const rest = new IncomingBody(incoming);
  const init: RequestInit & { duplex: "half" } = { method, headers, body: rest.stream(), duplex: "half" };
  return { request: new Request(url, init), rest };
}

function urlOf(incoming: NodeRequest, origin: string | undefined): URL {
  const path = incoming.originalUrl ?? incoming.url ?? "/";
  // Also a whole URL may be asked for (RFC 9112, 3.2.2). Two slashes at the front are a path here.
  const base = origin ?? `${isEncrypted(incoming) ? "https" : "http"}://${hostOf(incoming)}`;
  const whole = path.startsWith("/") ? `${base}${path}` : path;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new NodeRequestError("what is asked for is no URL", 400);
  return origin === undefined ? url : new URL(`${origin}${url.pathname}${url.search}`);
}

function isEncrypted({ socket }: NodeRequest): boolean {
  return socket !== undefined && "encrypted" in socket && socket.encrypted === true;
}

function hostOf({ headers }: NodeRequest): string {
  // HTTP/2 has it by another name.
  const host = headers["host"] ?? headers[":authority"] ?? "localhost";
  if (typeof host !== "string" || !HOST.test(host)) throw new NodeRequestError("the host is no host", 400);
  return host;
}

function headersOf(incoming: NodeRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    // HTTP/2 names that begin with a colon are no headers.
    if (value === undefined || name.startsWith(":")) continue;
    for (const single of typeof value === "string" ? [value] : value) headers.append(name, single);
  }
  return headers;
}

function keptBody(incoming: NodeRequest): Uint8Array<ArrayBuffer> | string | undefined {
  for (const kept of [incoming.rawBody, incoming.body]) {
    if (typeof kept === "string") return kept;
    if (kept instanceof Uint8Array) return kept as Uint8Array<ArrayBuffer>;
  }
  if (incoming.readableEnded || incoming.readableDidRead) {
    throw new NodeRequestError(
      "the body was read by middleware before the webhook; mount the webhook first, or keep the exact bytes as req.rawBody",
      500,
    );
  }
  return undefined;
}
