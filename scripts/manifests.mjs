// Keeps what all published packages say alike in their package.json: licence, links, files, entries for `import`, `require` and
// the old `node10` resolution. `npm run manifests` writes them, `--check` fails where one differs.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = "https://github.com/posthorn/posthorn";
const KEYWORDS = ["email", "mail", "transactional", "posthorn"];
/** Entries that stand on Vitest or another library without CommonJS. */
export const ESM_ONLY = { "@posthorn/testing": ["./conformance", "./webhooks", "./sns"] };

/** @returns the manifest as it should be: its own fields in the order that all share */
export function normalizeManifest(manifest, folder) {
  const { name, version, description, keywords = [], bin, exports: entries, scripts, ...rest } = manifest;
  const short = name.replace("@posthorn/", "");
  const paths = Object.keys(entries).filter((path) => path !== "./package.json");
  const sources = Object.fromEntries(paths.map((path) => [path, typesOf(path, folder)]));
  const entry = (path) => {
    const file = path === "." ? "index" : path.slice(2);
    const esm = { types: `./dist/types/${sources[path]}.d.ts`, default: `./dist/${file}.js` };
    if (ESM_ONLY[name]?.includes(path)) return esm;
    const cjs = { types: `./dist/types-cjs/${sources[path]}.d.ts`, default: `./dist/${file}.cjs` };
    return { import: esm, require: cjs };
  };
  const known = [
    "license",
    "homepage",
    "bugs",
    "repository",
    "type",
    "sideEffects",
    "engines",
    "files",
    "publishConfig",
    "main",
    "types",
    "typesVersions",
  ];
  const own = Object.fromEntries(Object.entries(rest).filter(([key]) => !known.includes(key)));
  const subpaths = paths.filter((path) => path !== ".");
  return {
    name,
    version,
    description,
    keywords: [...new Set([...KEYWORDS, ...keywords, short])],
    license: "MIT",
    homepage: `${REPOSITORY}/tree/main/packages/${short}#readme`,
    bugs: `${REPOSITORY}/issues`,
    repository: { type: "git", url: `git+${REPOSITORY}.git`, directory: `packages/${short}` },
    type: "module",
    sideEffects: false,
    engines: { node: ">=20.19" },
    files: ["dist", "src", "README.md", "CHANGELOG.md", "THIRD-PARTY.md", "LICENSE"],
    publishConfig: { access: "public" },
    ...(bin && { bin }),
    main: "./dist/index.cjs",
    types: `./dist/types-cjs/${sources["."] ?? "index"}.d.ts`,
    ...(subpaths.length > 0 && {
      typesVersions: {
        "*": Object.fromEntries(
          subpaths.map((path) => [path.slice(2), [`./dist/types-cjs/${sources[path]}.d.ts`]]),
        ),
      },
    }),
    exports: {
      ...Object.fromEntries(paths.map((path) => [path, entry(path)])),
      "./package.json": "./package.json",
    },
    scripts: {
      ...Object.fromEntries(Object.entries(scripts).filter(([script]) => script !== "check:package")),
      build: "tsup",
      typecheck: existsSync(join(folder, "tsconfig.src.json"))
        ? "tsc --project tsconfig.src.json && tsc --project tsconfig.json"
        : "tsc --project tsconfig.json",
      test: "vitest run",
    },
    ...own,
  };
}

/** An entry's source: a file of its name, or the index of a folder of its name. */
function typesOf(path, folder) {
  const file = path === "." ? "index" : path.slice(2);
  return existsSync(join(folder, "src", `${file}.ts`)) ? file : `${file}/index`;
}

/** The packages that are published: their folders and what their package.json says. */
export function publishedPackages() {
  const packages = fileURLToPath(new URL("../packages", import.meta.url));
  return readdirSync(packages)
    .map((short) => join(packages, short))
    .filter((folder) => existsSync(join(folder, "package.json")))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) }))
    .filter(({ manifest }) => !manifest.private)
    .map((entry) => ({ name: entry.manifest.name, ...entry }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = [];
  for (const { folder, manifest } of publishedPackages()) {
    const file = join(folder, "package.json");
    const made = `${JSON.stringify(normalizeManifest(manifest, folder), null, 2)}\n`;
    if (made === readFileSync(file, "utf8")) continue;
    if (process.argv.includes("--check")) wrong.push(file);
    else writeFileSync(file, made);
  }
  if (wrong.length > 0) {
    console.error(`Run "npm run manifests": these differ from what all packages share.\n${wrong.join("\n")}`);
    process.exitCode = 1;
  }
}
