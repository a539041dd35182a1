/**
 * A small page that shows how the queue stands.
 *
 * @module
 */
import { ConfigurationError } from "@posthorn/core";
import type { ListFilter, MessageState, MessageSummary, Outbox, Stats, Status } from "../types.js";

/** Options of {@link outboxPage}. */
export interface OutboxPageOptions {
  /** Says who may see the page: it shows addresses. */
  readonly authorize: (request: Request) => boolean | Promise<boolean>;
  /** Path that the page is mounted at, such as `/admin/outbox`. @default "" */
  readonly basePath?: string | undefined;
  /** Whether messages can be retried, resolved and cancelled on the page. @default false */
  readonly actions?: boolean | undefined;
  /** @default "Outbox" */
  readonly title?: string | undefined;
}

const STATES: readonly MessageState[] = [
  "queued",
  "deferred",
  "leased",
  "unknown",
  "dead",
  "accepted",
  "cancelled",
  "suppressed",
  "expired",
];

/**
 * A page as a fetch handler: counts, the oldest, lists by state, each message with its attempts and events. It reads only, unless
 * `actions` is set. It runs no script, and whatever comes from messages is shown as text.
 *
 * @throws ConfigurationError without `authorize`
 * @example app.all("/admin/outbox/*", (c) => page(c.req.raw));
 */
export function outboxPage<Tx>(
  outbox: Outbox<Tx>,
  options: OutboxPageOptions,
): (request: Request) => Promise<Response> {
  if (typeof options?.authorize !== "function")
    throw new ConfigurationError(
      'Option "authorize" is required: pass a function that says who may see the page',
    );
  const base = (options.basePath ?? "").replace(/\/$/, "");
  const title = options.title ?? "Outbox";
  const hasActions = options.actions === true;

  async function handle(request: Request): Promise<Response> {
    if (!(await options.authorize(request))) return plain(403, "Not allowed");
    const url = new URL(request.url);
    if (url.pathname !== base && !url.pathname.startsWith(`${base}/`)) return plain(404, "Not found");
    const [section = "", id = "", action = "", ...rest] = url.pathname
      .slice(base.length)
      .split("/")
      .filter((part) => part !== "");
    if (rest.length > 0) return plain(404, "Not found");
    if (request.method === "POST") return act(request, url, section, id, action);
    if (request.method !== "GET" && request.method !== "HEAD")
      return plain(405, "Method not allowed", { allow: "GET, HEAD, POST" });
    if (section === "") return html(title, overview(await outbox.stats(), base));
    if (section !== "messages" || action !== "") return plain(404, "Not found");
    if (id === "") return listPage(url);
    const status = await outbox.status(id);
    if (!status) return plain(404, "Not found");
    return html(title, messagePage(status, base, hasActions));
  }

  async function listPage(url: URL): Promise<Response> {
    const get = (name: string): string | undefined => url.searchParams.get(name) || undefined;
    const state = get("state");
    if (state !== undefined && !STATES.includes(state as MessageState)) return plain(400, "Unknown state");
    const filter: ListFilter = {
      state: state as MessageState | undefined,
      backend: get("backend"),
      tenant: get("tenant"),
      batch: get("batch"),
    };
    const after = get("after");
    if (after !== undefined && !/^[0-9a-f-]{36}$/.test(after)) return plain(400, "Unknown page");
    const page = await outbox.list(filter, { limit: 50, ...(after && { after }) });
    const query = new URLSearchParams(
      Object.entries({ ...filter, after: page.next }).filter((entry): entry is [string, string] =>
        Boolean(entry[1]),
      ),
    );
    const next = page.next ? `<p><a href="${text(`${base}/messages?${query}`)}">Next page</a></p>` : "";
    return html(
      title,
      `${back(base)}<h2>${text(state ?? "All messages")}</h2>${table(page.items, base)}${next}`,
    );
  }

  async function act(
    request: Request,
    url: URL,
    section: string,
    id: string,
    action: string,
  ): Promise<Response> {
    if (!hasActions) return plain(405, "This page only reads", { allow: "GET, HEAD" });
    if (section !== "messages" || id === "") return plain(404, "Not found");
    // A form on another site would be sent with this site's cookies.
    const origin = request.headers.get("origin");
    const site = request.headers.get("sec-fetch-site");
    const isOwn = site !== null ? site === "same-origin" : origin !== null && hostOf(origin) === url.host;
    if (!isOwn) return plain(403, "Forms of other sites are not accepted");
    const form = new URLSearchParams(await request.text());
    switch (action) {
      case "retry":
        await outbox.retry(id, { evenIfUnknown: form.get("evenIfUnknown") === "yes" });
        break;
      case "accepted":
      case "not-sent":
        await outbox.resolve(id, action);
        break;
      case "cancel":
        await outbox.cancel(id);
        break;
      default:
        return plain(404, "Not found");
    }
    return new Response(null, {
      status: 303,
      headers: { location: `${base}/messages/${encodeURIComponent(id)}` },
    });
  }

  return async (request) => {
    try {
      return await handle(request);
    } catch {
      // An error's words may hold what is nobody's business on a page.
      return plain(500, "The page could not be made");
    }
  };
}

function overview(stats: Stats, base: string): string {
  const warnings = stats.warnings.map((line) => `<p class="warning">${text(line)}</p>`).join("");
  const live = STATES.slice(0, 5);
  const head = ["Backend", ...live, "Oldest due", "Paused"].map((name) => `<th>${text(name)}</th>`).join("");
  const rows = Object.entries(stats.backends).map(([name, states]) => {
    const cells = live.map((state) => {
      const count = states[state] ?? 0;
      const query = new URLSearchParams({ state, backend: name });
      return `<td>${count === 0 ? "0" : `<a href="${text(`${base}/messages?${query}`)}">${count}</a>`}</td>`;
    });
    const paused = states.pausedUntil
      ? `until ${time(states.pausedUntil)}: ${text(states.pauseReason ?? "")}`
      : "";
    return `<tr><td>${text(name)}</td>${cells.join("")}<td>${age(states.oldestDue)}</td><td>${paused}</td></tr>`;
  });
  const settled = STATES.slice(5)
    .map(
      (state) =>
        `<li><a href="${text(`${base}/messages?state=${state}`)}">${state}</a>: ${stats.lastHour[state as keyof Stats["lastHour"]] ?? 0}</li>`,
    )
    .join("");
  const workers = stats.workers
    .map(
      (worker) =>
        `<tr><td>${text(worker.host ?? "")}</td><td>${worker.pid ?? ""}</td><td>${text(worker.backends.join(", "))}</td><td>${time(worker.startedAt)}</td><td>${time(worker.beatAt)}</td></tr>`,
    )
    .join("");
  return `${warnings}<h2>Not settled</h2><table><tr>${head}</tr>${rows.join("")}</table>
<h2>Settled within an hour</h2><ul>${settled}</ul>
<h2>Workers</h2><table><tr><th>Host</th><th>Process</th><th>Backends</th><th>Started</th><th>Last beat</th></tr>${workers}</table>`;
}

function table(items: readonly MessageSummary[], base: string): string {
  const rows = items.map(
    (item) =>
      `<tr><td><a href="${text(`${base}/messages/${item.id}`)}">${text(item.id)}</a></td><td>${item.state}</td><td>${text(item.backend)}</td><td>${text(item.stream)}</td><td>${item.attempts}</td><td>${time(item.createdAt)}</td><td>${text(item.reason ?? "")}</td></tr>`,
  );
  return `<table><tr><th>Message</th><th>State</th><th>Backend</th><th>Stream</th><th>Attempts</th><th>Created</th><th>Reason</th></tr>${rows.join("")}</table>`;
}

function messagePage(status: Status, base: string, hasActions: boolean): string {
  const facts: readonly (readonly [string, string])[] = [
    ["State", status.state],
    ["Reason", status.reason ?? ""],
    ["Backend", status.backend],
    ["Provider", status.provider ?? ""],
    ["Provider's id", status.providerId ?? ""],
    ["Stream", status.stream],
    ["Tenant", status.tenant],
    ["Batch", status.batch ?? ""],
    ["Priority", status.priority ?? ""],
    ["Attempts", String(status.attempts)],
    ["Created", status.createdAt.toISOString()],
    ["Due", status.dueAt?.toISOString() ?? ""],
    ["Settled", status.settledAt?.toISOString() ?? ""],
  ];
  const list = facts
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `<dt>${text(name)}</dt><dd>${text(value)}</dd>`)
    .join("");
  const recipients = Object.entries(status.recipients ?? {})
    .map(
      ([address, { status: state, messageId }]) =>
        `<tr><td>${text(address)}</td><td>${text(state)}</td><td>${text(messageId ?? "")}</td></tr>`,
    )
    .join("");
  const attempts = status.log
    .map(
      (entry) =>
        `<tr><td>${entry.attempt}</td><td>${time(entry.endedAt)}</td><td>${text(entry.outcome)}</td><td>${text(entry.provider ?? "")}</td><td>${entry.status ?? ""}</td><td>${text(entry.error ?? "")}</td></tr>`,
    )
    .join("");
  const events = status.events
    .map(
      (event) =>
        `<tr><td>${event.at ? time(event.at) : ""}</td><td>${text(event.type)}</td><td>${text(event.recipient ?? "")}</td><td>${text(event.detail ?? "")}</td></tr>`,
    )
    .join("");
  const section = (name: string, head: string, rows: string): string =>
    rows === "" ? "" : `<h2>${name}</h2><table><tr>${head}</tr>${rows}</table>`;
  return `${back(base)}<h2>Message ${text(status.id)}</h2><dl>${list}</dl>${hasActions ? actions(status, base) : ""}
${section("Recipients", "<th>Address</th><th>Status</th><th>Provider's id</th>", recipients)}
${section("Attempts that were not accepted", "<th>Attempt</th><th>Ended</th><th>Outcome</th><th>Provider</th><th>Status</th><th>Error</th>", attempts)}
${section("Events", "<th>At</th><th>Type</th><th>Recipient</th><th>Detail</th>", events)}`;
}

function actions(status: Status, base: string): string {
  const form = (action: string, label: string, fields = ""): string =>
    `<form method="post" action="${text(`${base}/messages/${status.id}/${action}`)}">${fields}<button>${text(label)}</button></form>`;
  if (status.settledAt) return "";
  switch (status.state) {
    case "dead":
      return form("retry", "Send again") + form("cancel", "Cancel");
    case "queued":
    case "deferred":
      return form("cancel", "Cancel");
    case "unknown":
      return (
        form("accepted", "It was sent") +
        form("not-sent", "It was not sent: send it") +
        form(
          "retry",
          "Send again, at the risk of a second copy",
          '<input type="hidden" name="evenIfUnknown" value="yes">',
        )
      );
    default:
      return "";
  }
}

const STYLE =
  "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#222}table{border-collapse:collapse;margin:.5rem 0}th,td{border:1px solid #ccc;padding:.2rem .6rem;text-align:left;vertical-align:top}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dd{margin:0}.warning{background:#fff3cd;padding:.5rem}form{display:inline-block;margin:0 .5rem .5rem 0}";

function html(title: string, body: string): Response {
  const nonce = crypto.randomUUID();
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${text(title)}</title><style nonce="${nonce}">${STYLE}</style></head><body><h1>${text(title)}</h1>${body}</body></html>`;
  return new Response(page, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}

function plain(status: number, reason: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${reason}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...headers },
  });
}

function back(base: string): string {
  return `<p><a href="${text(base || "/")}">Overview</a></p>`;
}

/** Text for an element or an attribute in quotes. */
function text(value: string): string {
  return value.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

function time(value: Date): string {
  return value.toISOString().replace("T", " ").slice(0, 19);
}

function age(ms: number): string {
  if (ms < 1000) return "";
  const seconds = Math.round(ms / 1000);
  return seconds < 120
    ? `${seconds} s`
    : seconds < 7200
      ? `${Math.round(seconds / 60)} min`
      : `${Math.round(seconds / 3600)} h`;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
