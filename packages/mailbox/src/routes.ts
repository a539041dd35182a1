import { script, style } from "virtual:mailbox-page";
import { bytesOf } from "./content.js";
import { PosthornError } from "./core.js";
import { previewDocument, previewHeaders } from "./html.js";
import { mergeContent } from "./merge.js";
import { type PreviewBackend, previewRequests } from "./requests.js";
import { sourceOf } from "./source.js";
import type { MessageStore } from "./store/store.js";
import {
  type MessageQuery,
  matchesQuery,
  SIMULATED_EVENTS,
  type SimulatedEventType,
  type StoredEvent,
  type StoredMessage,
  summarize,
} from "./stored-message.js";

/** What the routes need of a mailbox. */
export interface RouteContext {
  readonly store: MessageStore;
  /** Where the routes begin; `undefined` when that is to be told from the request. */
  readonly basePath: string | undefined;
  readonly guard: (request: Request, isPage: boolean) => Promise<Response | undefined>;
  readonly providers: Readonly<Record<string, PreviewBackend>>;
  /** Keeps a message that was posted. */
  readonly deliver: (message: unknown) => Promise<Pick<StoredMessage, "id" | "recipients">>;
  /** Posts an event to the application; `undefined` when no webhook is configured. */
  readonly post:
    | ((
        message: StoredMessage,
        type: SimulatedEventType,
        recipient: string,
        url?: string,
      ) => Promise<StoredEvent>)
    | undefined;
  /** Calls back when the messages may have changed. @returns what ends that */
  readonly watch: (changed: (id: string | undefined) => void) => () => void;
}

/** Bytes of a posted message. */
const MAX_BODY = 64_000_000;
const PAGE_SIZE = 200;

interface Call {
  readonly request: Request;
  readonly url: URL;
  readonly context: RouteContext;
  /** What the route's pattern captured. */
  readonly id: string;
  readonly name: string;
}

interface Route {
  readonly methods: Readonly<Record<string, (call: Call) => Response | Promise<Response>>>;
  /** The end of the path. */
  readonly path: RegExp;
  /** Whether it may be opened from outside. */
  readonly isPage?: boolean;
}

const ROUTES: readonly Route[] = [
  { path: /\/api\/messages$/, methods: { GET: listMessages, POST: addMessage, DELETE: removeAll } },
  {
    path: /\/api\/messages\/(?<id>[\w-]{1,64})$/,
    methods: { GET: getMessage, PATCH: changeMessage, DELETE: removeMessage },
  },
  { path: /\/api\/messages\/(?<id>[\w-]{1,64})\/events$/, methods: { POST: postEvent } },
  { path: /\/api\/messages\/(?<id>[\w-]{1,64})\/requests\/(?<name>[^/]+)$/, methods: { GET: getRequests } },
  { path: /\/api\/info$/, methods: { GET: getInfo } },
  { path: /\/api\/events$/, methods: { GET: streamEvents } },
  { path: /\/messages\/(?<id>[\w-]{1,64})\/html$/, methods: { GET: getHtml } },
  { path: /\/messages\/(?<id>[\w-]{1,64})\/source\.eml$/, methods: { GET: getSource } },
  { path: /\/messages\/(?<id>[\w-]{1,64})\/attachments\/(?<name>\d{1,4})$/, methods: { GET: getAttachment } },
  // What is read by end-to-end tests may leave out "api".
  { path: /\/messages$/, methods: { GET: listMessages } },
  { path: /\/page\.js$/, methods: { GET: () => asset(script, "text/javascript") } },
  { path: /\/page\.css$/, methods: { GET: () => asset(style, "text/css") } },
  { path: /\/$/, methods: { GET: getPage }, isPage: true },
];

/** The mailbox as a web handler. */
export function createHandler(context: RouteContext): (request: Request) => Promise<Response> {
  return async (request) => {
    const response = await respond(request, context);
    for (const [name, value] of Object.entries(COMMON_HEADERS)) {
      if (!response.headers.has(name)) response.headers.set(name, value);
    }
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  };
}

const COMMON_HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

async function respond(request: Request, context: RouteContext): Promise<Response> {
  const url = new URL(request.url);
  const found = findRoute(url.pathname, context.basePath);
  const refused = await context.guard(request, found?.route.isPage ?? false);
  if (refused) return refused;
  if (!found) {
    // The page's links are relative to its folder.
    const isBase = url.pathname === context.basePath || !url.pathname.includes(".");
    if (request.method === "GET" && isBase && findRoute(`${url.pathname}/`, context.basePath)?.route.isPage)
      return new Response(null, { status: 308, headers: { location: `${url.pathname}/${url.search}` } });
    return problem(404, "there is no such route");
  }
  const method = request.method === "HEAD" ? "GET" : request.method;
  const handler = Object.hasOwn(found.route.methods, method) ? found.route.methods[method] : undefined;
  if (!handler) {
    const allow = Object.keys(found.route.methods).join(", ");
    return new Response("the method must be one of those in Allow\n", { status: 405, headers: { allow } });
  }
  try {
    return await handler({ request, url, context, id: found.id, name: found.name });
  } catch (error) {
    if (error instanceof RouteError) return problem(error.status, error.message);
    if (error instanceof PosthornError) {
      const { field } = error as { readonly field?: unknown };
      return json({ error: error.message, name: error.name, field }, 422);
    }
    return problem(500, `the mailbox failed: ${(error as Error).message}`);
  }
}

function findRoute(
  path: string,
  basePath: string | undefined,
): { readonly route: Route; readonly id: string; readonly name: string } | undefined {
  for (const route of ROUTES) {
    const match = route.path.exec(path);
    if (!match || (basePath !== undefined && match.index !== basePath.length)) continue;
    if (basePath !== undefined && !path.startsWith(basePath)) continue;
    return { route, id: match.groups?.["id"] ?? "", name: match.groups?.["name"] ?? "" };
  }
  return undefined;
}

class RouteError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function listMessages({ url, context }: Call): Promise<Response> {
  const query: Record<string, string> = {};
  for (const name of ["q", "to", "tag", "subject"] as const) {
    const value = url.searchParams.get(name);
    if (value !== null) query[name] = value;
  }
  const all = await context.store.list();
  const found = all.filter((message) => matchesQuery(message, query as MessageQuery));
  const before = url.searchParams.get("before");
  const start = before === null ? 0 : found.findIndex(({ id }) => id === before) + 1;
  const asked = Number(url.searchParams.get("limit") ?? PAGE_SIZE);
  const size = Number.isInteger(asked) && asked > 0 ? Math.min(asked, PAGE_SIZE) : PAGE_SIZE;
  return json({
    total: found.length,
    unread: all.filter(({ read }) => !read).length,
    messages: found.slice(start, start + size).map(summarize),
  });
}

async function getMessage({ context, id }: Call): Promise<Response> {
  const stored = await load(context, id);
  const { source, ...rest } = stored;
  const attachments = stored.message.attachments.map(({ content: _, ...file }) => file);
  return json({ ...rest, hasSource: source !== undefined, message: { ...stored.message, attachments } });
}

async function addMessage({ request, context }: Call): Promise<Response> {
  const stored = await context.deliver(await readJson(request));
  return json({ id: stored.id, recipients: stored.recipients }, 201);
}

async function changeMessage({ request, context, id }: Call): Promise<Response> {
  const { read } = (await readJson(request)) as { readonly read?: unknown };
  if (typeof read !== "boolean") throw new RouteError(422, '"read" must be true or false');
  const changed = await context.store.change(id, { read });
  if (!changed) throw new RouteError(404, "there is no such message");
  return json(summarize(changed));
}

async function removeMessage({ context, id }: Call): Promise<Response> {
  if ((await context.store.remove([id])) === 0) throw new RouteError(404, "there is no such message");
  return new Response(null, { status: 204 });
}

async function removeAll({ context }: Call): Promise<Response> {
  return json({ removed: await context.store.remove() });
}

async function postEvent({ request, context, id }: Call): Promise<Response> {
  const body = (await readJson(request)) as Readonly<Record<string, unknown>>;
  const { type, recipient, url } = body;
  if (!context.post) throw new RouteError(409, "no webhook is configured: set the option webhooks");
  if (!SIMULATED_EVENTS.includes(type as SimulatedEventType))
    throw new RouteError(422, `"type" must be one of ${SIMULATED_EVENTS.join(", ")}`);
  const stored = await load(context, id);
  const known = Object.keys(stored.recipients);
  if (typeof recipient !== "string" || !known.includes(recipient))
    throw new RouteError(422, `"recipient" must be one of ${known.join(", ")}`);
  const link = typeof url === "string" ? url : undefined;
  const event = await context.post(stored, type as SimulatedEventType, recipient, link);
  await context.store.change(id, { event });
  return json(event);
}

async function getRequests({ context, id, name }: Call): Promise<Response> {
  const stored = await load(context, id);
  const { providers } = context;
  const key = decodeURIComponent(name);
  const backend = Object.hasOwn(providers, key) ? providers[key] : undefined;
  if (!backend) throw new RouteError(404, "there is no such provider");
  return json(await previewRequests(backend, stored.message));
}

function getInfo({ context }: Call): Response {
  const providers = Object.keys(context.providers);
  return json({ providers, events: context.post ? SIMULATED_EVENTS : [] });
}

async function getHtml({ url, context, id }: Call): Promise<Response> {
  const { message } = await load(context, id);
  const recipient = url.searchParams.get("recipient");
  const { html } = recipient === null ? message : mergeContent(message, recipient);
  if (html === undefined) throw new RouteError(404, "the message has no HTML");
  const options = {
    scheme: url.searchParams.get("scheme") === "dark" ? "dark" : "light",
    invert: url.searchParams.get("invert") === "1",
    remote: url.searchParams.get("remote") === "1",
  } as const;
  return new Response(previewDocument(html, message.attachments, options), {
    headers: previewHeaders(options),
  });
}

async function getSource({ url, context, id }: Call): Promise<Response> {
  const stored = await load(context, id);
  const source = await sourceOf(stored);
  if (url.searchParams.get("view") === "1") {
    return new Response(source, { headers: { "content-type": "text/plain; charset=utf-8" } });
  }
  const name = (stored.message.subject ?? "").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return new Response(source, { headers: downloadHeaders(`${name.slice(0, 60) || "message"}.eml`) });
}

async function getAttachment({ context, id, name }: Call): Promise<Response> {
  const { message } = await load(context, id);
  const file = message.attachments[Number(name)];
  if (file?.content === undefined) throw new RouteError(404, "there is no such attachment");
  return new Response(bytesOf(file), { headers: downloadHeaders(file.filename ?? "attachment") });
}

/** Never of the type that the message says: what is opened from here must not be a page of this origin. */
function downloadHeaders(filename: string): Record<string, string> {
  const ascii = filename.replace(/[^\w.-]+/g, "_");
  const encoded = encodeURIComponent(wellFormed(filename)).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return {
    "content-type": "application/octet-stream",
    "content-disposition": `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`,
    "content-security-policy": "sandbox; default-src 'none'",
  };
}

/** Without halves of characters, which no URL can hold. */
function wellFormed(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

function streamEvents({ context }: Call): Response {
  let stop = (): void => {};
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode("retry: 2000\n\nevent: ready\ndata: {}\n\n"));
      stop = context.watch((id) => {
        const text =
          id === undefined
            ? "event: beat\ndata: {}\n\n"
            : `event: change\ndata: ${JSON.stringify({ id })}\n\n`;
        controller.enqueue(encoder.encode(text));
      });
    },
    cancel: () => stop(),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "x-accel-buffering": "no" } });
}

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Mailbox</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='8' fill='%23a63c16'/%3E%3Cpath d='M7 10h18v12H7zl9 7 9-7' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E">
<link rel="stylesheet" href="page.css">
<div id="app"><noscript>The mailbox needs JavaScript.</noscript></div>
<script type="module" src="page.js"></script>
</html>
`;

function getPage(): Response {
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; frame-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return new Response(PAGE, {
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
  });
}

function asset(content: string, type: string): Response {
  return new Response(content, { headers: { "content-type": `${type}; charset=utf-8` } });
}

async function load(context: RouteContext, id: string): Promise<StoredMessage> {
  const stored = await context.store.load(id);
  if (!stored) throw new RouteError(404, "there is no such message");
  return stored;
}

async function readJson(request: Request): Promise<unknown> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const next = await reader?.read();
    if (!next || next.done) break;
    size += next.value.length;
    if (size > MAX_BODY) {
      await reader?.cancel();
      throw new RouteError(413, `a message must be smaller than ${MAX_BODY} bytes`);
    }
    chunks.push(next.value);
  }
  try {
    const value: unknown = JSON.parse(await new Blob(chunks).text());
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Below.
  }
  throw new RouteError(400, "the body must be a JSON object");
}

function json(value: unknown, status = 200): Response {
  return Response.json(value, { status });
}

function problem(status: number, error: string): Response {
  return json({ error }, status);
}
