// How much Posthorn adds to an application's bundle, minified and gzipped, against a budget for each entry: fails when
// one is over its limit. `--modules` tells what the core is made of. Sizes are in KB of 1,024 bytes.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./lib/bundle.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const KB = 1024;

/** Core with ofetch; the rest is what an entry adds. */
const BUDGETS = { core: 20.5 * KB, provider: 3 * KB, webhook: 3 * KB, manage: 4 * KB };
/** SES signs its requests (AWS Signature Version 4) and takes raw MIME, as Postal does. */
const PROVIDER_BUDGETS = { "amazon-ses": 6 * KB, postal: 4 * KB };
/**
 * Entries that miss their budget, with the size that they have reached and must not outgrow. The core: checks of every field with
 * their explanations, RFC 5322, urllib3's retries with budgets, breakers and proofs of what was sent; ofetch is 3.5 KB of it. SES
 * writes MIME by all its rules and signs; SNS takes X.509 and root keys.
 */
const REACHED = {
  "core with ofetch": 27.5 * KB,
  "amazon-ses": 7.1 * KB,
  "amazon-ses trackingWebhook": 5.5 * KB,
  "amazon-ses inboundWebhook": 6.25 * KB,
  "scaleway trackingWebhook": 4 * KB,
};

const MESSAGE = `{ from: "ada@example.com", to: ["grace@example.org"], subject: "Hello", text: "Hello" }`;

/** The least that sends a mail: no provider's own code. */
const CORE = `
import { HttpBackend } from "@posthorn/core/provider";
class Least extends HttpBackend {
  constructor(options) {
    super({ name: "Least", envPrefix: "LEAST", features: {}, options: {}, apiUrl: "https://api.example.com" }, options);
  }
  buildRequests({ to, subject, text }) {
    return [{ path: "send", body: { json: { to: to.map(({ email }) => email), subject, text } }, recipients: to }];
  }
  authHeaders() { return {}; }
  readResponse({ request }) {
    return Object.fromEntries(request.recipients.map(({ address }) => [address, { status: "queued", messageId: null }]));
  }
  readError() { return {}; }
}
console.log(await new Least({}).send(${MESSAGE}));`;

/**
 * All that webhooks share. An entry is measured on top of the whole of it, so that what one provider is the first to
 * use does not count as its own; postal-mime, which reads the mail, is within what inbound entries share.
 */
const SHARED = {
  trackingWebhook: `import * as webhook from "@posthorn/core/webhooks"; console.log(webhook);`,
  inboundWebhook: `import * as webhook from "@posthorn/core/webhooks"; import * as inbound from "@posthorn/core/inbound";
    console.log(webhook, inbound);`,
};

const providers = readdirSync(join(root, "packages")).filter((name) =>
  existsSync(join(root, "packages", name, "src", "features.ts")),
);
const rows = [];
const faults = [];

const core = await measure(CORE);
row("core with ofetch", core.gzipped, 0, BUDGETS.core);
for (const name of providers) {
  const size = await measure(sender(name));
  row(name, size.gzipped, core.gzipped, PROVIDER_BUDGETS[name] ?? BUDGETS.provider);
  if (!existsSync(join(root, "packages", name, "src", "manage.ts"))) continue;
  // On top of a sender, which holds nothing of it itself.
  const managed = await measure(`${sender(name)}\n${manager(name)}`);
  row(`${name} manage`, managed.gzipped, size.gzipped, BUDGETS.manage);
  const extra = Object.keys(size.modules).filter((path) => /(?:^|\/)manage\.js$/.test(path));
  if (extra.length > 0) faults.push(`${name}: a bundle that only sends holds ${extra.join(", ")}`);
}
for (const [kind, shared] of Object.entries(SHARED)) {
  const base = await measure(shared);
  rows.push([`shared by ${kind}`, base.gzipped]);
  for (const name of providers.filter((provider) => exportsOf(provider).includes(kind))) {
    const size = await measure(`${shared}\n${receiver(name, kind)}`);
    row(`${name} ${kind}`, size.gzipped, base.gzipped, BUDGETS.webhook);
    // One entry file holds both; a bundle must be able to leave out the other.
    if (kind === "trackingWebhook") await checkShaken(name);
  }
}

print();
if (process.argv.includes("--modules")) await printModules();
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

function measure(program, options) {
  // The workspace `test` has every package for a dependency.
  return bundle(program, join(root, "test"), options);
}

function sender(name) {
  return `import { ${camel(name)} } from "@posthorn/${name}"; console.log(await ${camel(name)}().send(${MESSAGE}));`;
}

function manager(name) {
  return `import { manage } from "@posthorn/${name}/manage"; console.log(manage(${camel(name)}()));`;
}

function receiver(name, kind) {
  return `import { ${kind} } from "@posthorn/${name}/webhooks"; console.log(${kind}({ onEvent() {} }));`;
}

function camel(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

/** The webhooks that a provider has. */
function exportsOf(name) {
  const file = join(root, "packages", name, "src", "webhooks", "index.ts");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return Object.keys(SHARED).filter((kind) => text.includes(kind));
}

async function checkShaken(name) {
  const { modules } = await measure(receiver(name, "trackingWebhook"));
  // The MIME parser is built into that one.
  const extra = Object.keys(modules).filter((path) => path.endsWith("core/dist/inbound.js"));
  if (extra.length > 0) faults.push(`${name}: a bundle of trackingWebhook alone holds ${extra.join(", ")}`);
}

function row(what, gzipped, base, budget) {
  const limit = REACHED[what] ?? budget;
  rows.push([what, gzipped, gzipped - base, budget, limit]);
  const over = gzipped - base - limit;
  if (over > 0) faults.push(`${what} is over its limit by ${kb(over)} KB`);
}

function print() {
  const table = [
    ["entry", "bundle", "adds", "budget", "limit", ""],
    ...rows.map(([what, gzipped, adds, budget, limit]) => [
      what,
      kb(gzipped),
      adds === undefined ? "" : kb(adds),
      budget === undefined ? "" : kb(budget),
      limit === undefined ? "" : kb(limit),
      adds > limit ? "over" : adds > budget ? "missed" : "",
    ]),
  ];
  const width = Math.max(...table.map(([what]) => what.length));
  for (const [what, ...cells] of table) {
    console.log([what.padEnd(width), ...cells.map((cell) => cell.padStart(7))].join(" ").trimEnd());
  }
}

/** Minified bytes by source file: how much of it gzip saves cannot be told for a file alone. */
async function printModules() {
  const { modules } = await measure(CORE, {
    alias: { "@posthorn/core": join(root, "packages", "core", "src", "index.ts") },
  });
  console.log("\nminified bytes of the core by module");
  for (const [path, bytes] of Object.entries(modules)) console.log(`${String(bytes).padStart(7)} ${path}`);
}

function kb(bytes) {
  return (bytes / KB).toFixed(2);
}
