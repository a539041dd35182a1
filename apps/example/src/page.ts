import { html, raw } from "hono/html";
import type { Activity, Entry } from "./activity.js";
import { EVENT_HEAD, MAIL_HEAD } from "./table.js";

/** HTML that was escaped where it had to be. */
export type Html = ReturnType<typeof html>;

/** The column whose words are shown as a badge. */
const BADGE = { mail: MAIL_HEAD.indexOf("STATUS"), event: EVENT_HEAD.indexOf("EVENT") } as const;

const TONES: Readonly<Record<string, string>> = {
  delivered: "good",
  sent: "good",
  queued: "good",
  opened: "lively",
  clicked: "lively",
  inbound: "lively",
  deferred: "warn",
  bounced: "bad",
  rejected: "bad",
  failed: "bad",
  complained: "bad",
  invalid: "bad",
};

/** A line of a table; the page and its live updates have it from here alike. */
export function row({ kind, at, cells }: Entry): Html {
  return html`<tr><td><time datetime="${at.toISOString()}">${at.toTimeString().slice(0, 8)}</time></td>${cells.map(
    (cell, column) =>
      column === BADGE[kind]
        ? html`<td><span class="badge ${toneOf(cell)}">${cell}</span></td>`
        : html`<td>${cell}</td>`,
  )}</tr>`;
}

function toneOf(status: string): string {
  return TONES[status] ?? (status.includes("Error") ? "bad" : "plain");
}

/**
 * The page: what happened so far, and a script that adds what happens next.
 *
 * @param nonce what the page's own style and script are allowed by
 * @param button whether there is one that sends a mail
 */
export function page(activity: Activity, nonce: string, button: boolean): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Posthorn</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${raw(STYLE)}</style>
</head>
<body data-last="${activity.last}">
<header>
<h1>Posthorn</h1>
<p id="state" role="status">Reload to see what is new</p>
${button ? html`<form method="post" action="/demo"><button>Send a mail, and receive one</button></form>` : ""}
</header>
<main>
${section(activity, "event", "Events", EVENT_HEAD, "No webhook has come yet.")}
${section(activity, "mail", "Mails", MAIL_HEAD, "No mail was sent yet.")}
</main>
<p id="news" role="status"></p>
<script nonce="${nonce}">${raw(SCRIPT)}</script>
</body>
</html>
`;
}

function section(
  activity: Activity,
  kind: Entry["kind"],
  title: string,
  head: readonly string[],
  empty: string,
): Html {
  return html`<section>
<h2 id="${kind}-title">${title}</h2>
<div class="table" role="region" aria-labelledby="${kind}-title" tabindex="0">
<table>
<thead><tr><th scope="col">Time</th>${head.map((name) => html`<th scope="col">${titleCase(name)}</th>`)}</tr></thead>
<tbody id="${kind}">${activity.of(kind).toReversed().map(row)}</tbody>
</table>
<p class="empty">${empty}</p>
</div>
</section>`;
}

function titleCase(name: string): string {
  return name.slice(0, 1) + name.slice(1).toLowerCase();
}

const STYLE = `
:root {
  --ground: #f6f6f4; --card: #fff; --ink: #1c1d1f; --faint: #5d6167; --line: #e2e2de; --accent: #8a3b12;
  --good: #14633a; --good-ground: #def3e6; --bad: #9b1c1c; --bad-ground: #fbe3e1;
  --warn: #7a4d00; --warn-ground: #fbefcf; --lively: #1c4f9c; --lively-ground: #e0ebfb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #141517; --card: #1d1f22; --ink: #eceae6; --faint: #a2a6ad; --line: #303338; --accent: #f0a377;
    --good: #86dba8; --good-ground: #143524; --bad: #ffaaa3; --bad-ground: #45191a;
    --warn: #f1cc77; --warn-ground: #3d2d08; --lively: #a5c8ff; --lively-ground: #182f52;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem clamp(1rem, 4vw, 3rem) 3rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem; }
h1 { margin: 0; font-size: 1.5rem; letter-spacing: -.01em; }
h2 { margin: 2rem 0 .75rem; font-size: 1.1rem; }
#state { margin: 0; color: var(--faint); font-size: .9rem; }
#state::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-right: .5em;
  border-radius: 50%; background: var(--faint); }
#state.live::before { background: var(--good); }
form { margin-left: auto; }
button { padding: .5rem 1rem; border: 0; border-radius: .5rem; background: var(--accent); color: var(--card);
  font: inherit; font-weight: 600; cursor: pointer; }
button:hover { filter: brightness(1.1); }
:focus-visible { outline: 3px solid var(--lively); outline-offset: 2px; }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .55rem .9rem; text-align: left; vertical-align: top; overflow-wrap: break-word; max-width: 26rem; }
th { color: var(--faint); font-size: .8rem; font-weight: 600; white-space: nowrap; }
td { border-top: 1px solid var(--line); }
time { color: var(--faint); font-variant-numeric: tabular-nums; }
.badge { display: inline-block; padding: .05rem .6rem; border-radius: 1rem; background: var(--line); font-weight: 600; }
.good { background: var(--good-ground); color: var(--good); }
.bad { background: var(--bad-ground); color: var(--bad); }
.warn { background: var(--warn-ground); color: var(--warn); }
.lively { background: var(--lively-ground); color: var(--lively); }
.empty { margin: 0; padding: 1rem .9rem; border-top: 1px solid var(--line); color: var(--faint); }
.table:has(tbody tr) .empty { display: none; }
#news { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: no-preference) {
  tr.new { animation: arrive 1.5s ease-out; }
  @keyframes arrive { from { background: var(--lively-ground); } }
}
`;

/** Rows come as HTML that the server escaped. A browser asks again by itself, from the last id that it saw. */
const SCRIPT = `
const source = new EventSource("/events?after=" + document.body.dataset.last);
const state = document.getElementById("state");
const show = (text, live) => { state.textContent = text; state.classList.toggle("live", live); };
source.onopen = () => show("Live", true);
source.onerror = () => show("Not connected", false);
for (const kind of ["mail", "event"]) {
  source.addEventListener(kind, ({ data }) => {
    const body = document.getElementById(kind);
    body.insertAdjacentHTML("afterbegin", data);
    body.rows[0].className = "new";
    while (body.rows.length > 500) body.deleteRow(-1);
    document.getElementById("news").textContent = [...body.rows[0].cells].slice(1).map((cell) => cell.textContent).join(", ");
  });
}
`;
