import { ConfigurationError, readEnv } from "./core.js";

/** Whether a host name is this machine's own, whatever DNS says. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "[::1]" ||
    name === "::1" ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
  );
}

/** Options of {@link createGuard}. */
export interface GuardOptions {
  readonly hosts?: readonly string[] | undefined;
  readonly allowInProduction?: boolean | undefined;
  readonly authorize?: ((request: Request) => boolean | Promise<boolean>) | undefined;
}

/**
 * Checks who asks, before any route. It refuses, with 403,
 *
 * - host names that are not the mailbox's own (DNS rebinding: a page of another site whose name resolves to 127.0.0.1);
 * - requests that a page of another origin makes, by `Sec-Fetch-Site` and `Origin`, which pages cannot set (CSRF);
 * - what `authorize` refuses.
 *
 * Programs that are no browser send neither header and pass.
 *
 * @returns the response that refuses the request, or `undefined`
 * @throws ConfigurationError in production, unless it is allowed there and has `authorize`
 */
export function createGuard(
  options: GuardOptions,
): (request: Request, isPage: boolean) => Promise<Response | undefined> {
  if (readEnv("NODE_ENV") === "production" && !(options.allowInProduction && options.authorize)) {
    throw new ConfigurationError(
      "Mailbox: a development mailbox shows every message to whoever opens it, and NODE_ENV is production. " +
        "Send through a real provider there, or set allowInProduction and authorize",
      { provider: "Mailbox" },
    );
  }
  const hosts = new Set((options.hosts ?? []).map((host) => host.toLowerCase()));
  const isOwn = (host: string): boolean => {
    const url = `http://${host}`;
    if (!URL.canParse(url)) return false;
    const { hostname } = new URL(url);
    return isLoopback(hostname) || hosts.has(hostname) || hosts.has(host.toLowerCase());
  };
  return async (request, isPage) => {
    const url = new URL(request.url);
    const host = request.headers.get("host") ?? url.host;
    for (const name of [host, url.host]) {
      if (!isOwn(name))
        return refuse(`"${name.slice(0, 100)}" is not a host of this mailbox: add it to the option hosts`);
    }
    const isSafe = request.method === "GET" || request.method === "HEAD";
    const site = request.headers.get("sec-fetch-site");
    // A link in a terminal, a bookmark or another page may open the page itself, and nothing more.
    const isOpening = isSafe && isPage && request.headers.get("sec-fetch-mode") === "navigate";
    if (site !== null && site !== "same-origin" && !(site === "none" && isSafe) && !isOpening)
      return refuse("requests from other origins are refused");
    const origin = request.headers.get("origin");
    if (origin !== null && (!URL.canParse(origin) || new URL(origin).host !== host))
      return refuse("requests from other origins are refused");
    if (!isSafe && request.method !== "DELETE" && !isJson(request))
      return new Response("the body must be application/json\n", { status: 415 });
    if (options.authorize && !(await options.authorize(request))) return refuse("not authorized");
    return undefined;
  };
}

/** A form of another site can post text, but JSON only by a request that asks first. */
function isJson(request: Request): boolean {
  return /^application\/json(?:;|$)/i.test(request.headers.get("content-type") ?? "");
}

function refuse(reason: string): Response {
  return new Response(`${reason}\n`, {
    status: 403,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}
