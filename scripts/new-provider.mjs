// Makes a provider package in the standard shape: `npm run new:provider NAME [-- --display "Name" --api-url URL]`.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { normalizeManifest } from "./manifests.mjs";

const home = fileURLToPath(new URL("..", import.meta.url));
const templates = join(home, "scripts", "templates", "provider");
const USAGE = 'usage: npm run new:provider NAME -- [--display "Display Name"] [--api-url https://…]';

/** Ends with a message for people, not a stack. */
function fail(message) {
  console.error(`${message}\n${USAGE}`);
  process.exit(1);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        display: { type: "string" },
        "api-url": { type: "string" },
        // Another repository root than this one; the generator's own test uses it.
        root: { type: "string", default: home },
      },
    });
  } catch (error) {
    return fail(error.message);
  }
}

const { values, positionals } = readArguments();
const [kebab, ...rest] = positionals;
if (kebab === undefined) fail("The provider's name is missing.");
if (rest.length > 0) fail(`One name at a time: what is "${rest.join(" ")}"?`);
if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(kebab)) {
  fail(`"${kebab}" is no package name: write it in kebab case, such as "amazon-ses".`);
}
const target = join(values.root, "packages", kebab);
if (existsSync(target)) fail(`packages/${kebab} exists already; remove it or take another name.`);

const words = kebab.split("-");
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);
const pascal = words.map(capital).join("");
const display = values.display ?? words.map(capital).join(" ");
if (!/^[\w .()&+-]+$/.test(display)) fail(`--display "${display}": use letters, digits, spaces and .()&+-`);
const apiUrl = values["api-url"];
if (apiUrl !== undefined && !(URL.canParse(apiUrl) && /^https?:$/.test(new URL(apiUrl).protocol))) {
  fail(`--api-url "${apiUrl}" is no http(s) URL.`);
}

const names = {
  kebab,
  camel: pascal.charAt(0).toLowerCase() + pascal.slice(1),
  pascal,
  env: kebab.replaceAll("-", "_").toUpperCase(),
  display,
  // Without it the package asks its users for `apiUrl`, as those of self-hosted providers do.
  apiUrl: apiUrl === undefined ? "" : `\n        apiUrl: ${JSON.stringify(apiUrl)},`,
  core: versionOf("core"),
  testing: versionOf("testing"),
};

for (const file of readdirSync(templates, { recursive: true, encoding: "utf8" })) {
  if (file.endsWith(".tmpl")) write(join(target, file.slice(0, -".tmpl".length)), join(templates, file));
}
const manifest = join(target, "package.json");
writeFileSync(
  manifest,
  `${JSON.stringify(normalizeManifest(JSON.parse(readFileSync(manifest, "utf8")), target), null, 2)}\n`,
);
copyFileSync(join(home, "LICENSE"), join(target, "LICENSE"));
write(join(values.root, ".changeset", `add-${kebab}.md`), join(templates, "..", "changeset.md.tmpl"));
format();

console.log(`
Next:
  npm install                     links the package into the workspace
  packages/${kebab}/src             write the provider's own payload, answers and features
  test/src/vectors/providers.ts   add it there, so that the recorded vectors run on it
  npm test
CONTRIBUTING.md says more.`);

function write(file, template) {
  const text = readFileSync(template, "utf8").replace(/\{\{(\w+)\}\}/g, (whole, key) => {
    if (!(key in names)) throw new Error(`${template}: unknown placeholder ${whole}`);
    return names[key];
  });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${relative(values.root, file)}`);
}

function versionOf(folder) {
  return JSON.parse(readFileSync(join(home, "packages", folder, "package.json"), "utf8")).version;
}

/** Names differ in length and in alphabetical order, so line breaks and imports are put right afterwards. */
function format() {
  const biome = join(home, "node_modules", ".bin", "biome");
  if (!existsSync(biome)) return console.log("Biome is not installed yet: run `npm run format` later.");
  const { status, stderr } = spawnSync(biome, ["check", "--write", target], {
    cwd: values.root,
    encoding: "utf8",
  });
  if (status !== 0) fail(`The package was written, but could not be formatted:\n${stderr}`);
}
