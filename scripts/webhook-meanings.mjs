// Writes what each provider's codes mean into the docs, from the tables that the webhooks read by. With --check it only says
// whether the docs are up to date.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const FILE = "apps/docs/webhooks.md";
const BEGIN = "<!-- webhook meanings: npm run docs:webhooks -->";
const END = "<!-- /webhook meanings -->";

const sections = [];
for (const folder of readdirSync(`${root}packages`).sort()) {
  const source = `${root}packages/${folder}/src/webhooks/meanings.ts`;
  if (!existsSync(source)) continue;
  const result = await build({ entryPoints: [source], format: "esm", write: false });
  const [{ text }] = result.outputFiles;
  const tables = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  const { name } = JSON.parse(readFileSync(`${root}packages/${folder}/package.json`, "utf8"));
  const code = readFileSync(source, "utf8");
  const rows = Object.entries(tables)
    .sort(([one], [other]) => code.indexOf(`const ${one}:`) - code.indexOf(`const ${other}:`))
    .flatMap(([table, meanings]) =>
      Object.entries(meanings).map(([value, meaning]) => row(fieldOf(code, table), value, meaning)),
    );
  sections.push(
    `#### ${name}`,
    [
      "| in | code | `eventType` | `rejectReason` | `permanent` |",
      "| --- | --- | --- | --- | --- |",
      ...rows,
    ].join("\n"),
  );
}

const text = readFileSync(root + FILE, "utf8");
const [before, rest] = text.split(BEGIN);
const after = rest?.split(END)[1];
if (after === undefined) throw new Error(`${FILE} has no place for the meanings`);
const wanted = `${before}${BEGIN}\n\n${sections.join("\n\n")}\n\n${END}${after}`;
if (wanted !== text) {
  if (process.argv.includes("--check")) {
    console.error('The meanings of webhooks are not up to date: run "npm run docs:webhooks".');
    process.exit(1);
  }
  writeFileSync(root + FILE, wanted);
}

/** The member of a post that a table is by: the first name in backquotes of its comment. */
function fieldOf(code, table) {
  const comments = code.slice(0, code.indexOf(`export const ${table}:`)).split("/**");
  const field = /`([^`]+)`/.exec(comments.at(-1))?.[1];
  if (!field) throw new Error(`the comment of ${table} does not name a member of the post`);
  return field;
}

function row(field, value, meaning) {
  // A table of reasons leaves the type to the event.
  const [type, reason, permanent] = typeof meaning === "string" ? ["", meaning] : meaning;
  const told = type === "bounced" ? String(permanent ?? null) : "";
  return `| \`${field}\` | \`${value}\` | ${type} | ${reason ?? ""} | ${told} |`;
}
