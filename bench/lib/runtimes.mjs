import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// Where the tests have theirs: `node scripts/runtimes.mjs` installs them.
const require = createRequire(fileURLToPath(new URL("../../test/runtimes/package.json", import.meta.url)));
const platform = `${process.platform}-${process.arch}`;
const deno = `@deno/${platform}${process.platform === "linux" ? "-glibc" : ""}/package.json`;
const bun = `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : "x64"}/package.json`;

/** Runtimes to start a file on. Binaries themselves, without what npm puts before them. */
export const RUNTIMES = [
  { name: "Node", version: process.version, command: process.execPath, args: [] },
  { name: "Bun", version: version(bun), command: binary(bun, "bin", "bun"), args: ["run"] },
  {
    name: "Deno",
    version: version(deno),
    command: binary(deno, "deno"),
    args: ["run", "--allow-all", "--no-prompt", "--node-modules-dir=manual", "--quiet"],
  },
];

function binary(manifest, ...path) {
  return join(dirname(require.resolve(manifest)), ...path);
}

function version(manifest) {
  return require(manifest).version;
}
