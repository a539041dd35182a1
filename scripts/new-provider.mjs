// Makes a provider package in the standard shape: npm run new:provider -- NAME [--folder FOLDER]
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { providerFiles } from "./provider-templates.mjs";

const { values, positionals } = parseArgs({
  options: { folder: { type: "string" } },
  allowPositionals: true,
});
const [name, ...more] = positionals;

function fail(why) {
  console.error(`${why}\nUsage: npm run new:provider -- NAME, where NAME is like "postmark" or "amazon-ses"`);
  process.exit(1);
}

if (!name || more.length > 0) fail("Give one name.");
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) fail(`"${name}" is not a name in kebab case.`);
const target = fileURLToPath(new URL(`../packages/${values.folder ?? name}/`, import.meta.url));
if (existsSync(target)) fail(`There is a package "${values.folder ?? name}" already.`);

for (const [file, text] of Object.entries(providerFiles(name))) {
  mkdirSync(dirname(join(target, file)), { recursive: true });
  writeFileSync(join(target, file), text);
}
if (!values.folder) {
  const changeset = `---\n"@posthorn/${name}": minor\n---\n\nSend through ${name}.\n`;
  writeFileSync(fileURLToPath(new URL(`../.changeset/new-${name}.md`, import.meta.url)), changeset);
}
console.log(
  `packages/${values.folder ?? name} is there. Next: npm install, then fill in features.ts, payload.ts and backend.ts`,
);
console.log("from the provider's API documentation. CONTRIBUTING.md says how.");
