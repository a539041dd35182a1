// Writes the feature matrix into the README and the docs, from the providers' own `features` (run `npm run build` first).
// With --check it only says whether they are up to date.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const FILES = ["README.md", "apps/docs/features.md"];
const MANAGE_FILE = "apps/docs/after-sending.md";
const BEGIN = "<!-- feature matrix: npm run docs:features -->";
const END = "<!-- /feature matrix -->";

const providers = [];
const managers = [];
for (const folder of readdirSync(`${root}packages`).sort()) {
  const manifest = JSON.parse(readFileSync(`${root}packages/${folder}/package.json`, "utf8"));
  if (!manifest.dependencies?.["@posthorn/core"] || folder === "testing") continue;
  const features = await featuresOf(folder, "index");
  if (features) providers.push({ folder, features });
  const manage =
    existsSync(`${root}packages/${folder}/src/manage.ts`) && (await featuresOf(folder, "manage"));
  if (manage) managers.push({ folder, features: manage });
}

const titles = providers.map(({ folder }) => `[${folder}](PACKAGES/${folder})`);
const rows = Object.keys(providers[0].features).map((feature) => {
  const cells = providers.map(({ features }) => cell(features[feature]));
  return `| \`${feature}\` | ${cells.join(" | ")} |`;
});
const table = [`| | ${titles.join(" | ")} |`, `| --- |${" :-: |".repeat(providers.length)}`, ...rows].join(
  "\n",
);

// What can be done after sending: a row for each provider, since there are fewer methods than providers.
const methods = Object.keys(managers[0].features);
const manageTable = [
  `| | ${methods.map((method) => `\`${method}\``).join(" | ")} |`,
  `| --- |${" :-: |".repeat(methods.length)}`,
  ...managers.map(
    ({ folder, features }) =>
      `| [${folder}](PACKAGES/${folder}) | ${methods.map((method) => cell(features[method])).join(" | ")} |`,
  ),
].join("\n");

let stale = false;
for (const file of [...FILES, MANAGE_FILE]) {
  const text = readFileSync(root + file, "utf8");
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${file} has no place for the feature matrix`);
  const packages = file.includes("/") ? "../../packages" : "packages";
  const wanted = `${before}${BEGIN}\n${(file === MANAGE_FILE ? manageTable : table).replaceAll("PACKAGES", packages)}\n${END}${after}`;
  if (wanted === text) continue;
  stale = true;
  if (!process.argv.includes("--check")) writeFileSync(root + file, wanted);
}
if (stale && process.argv.includes("--check")) {
  console.error('The feature matrix is not up to date: run "npm run docs:features".');
  process.exit(1);
}

/** The features that an entry of a package exports. */
async function featuresOf(folder, entry) {
  const module = await import(pathToFileURL(`${root}packages/${folder}/dist/${entry}.js`).href);
  return Object.entries(module).find(([name]) => name.endsWith("Features"))?.[1];
}

function cell(value) {
  return value === true ? "✓" : value === false ? "" : value;
}
