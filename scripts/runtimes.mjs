// Installs the runtimes that the tests run on (Bun, Deno, Node 22 and 24), unless they are there already.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../test/runtimes/", import.meta.url));
const stamp = `${folder}node_modules/.installed-lockfile`;
const lockfile = readFileSync(`${folder}package-lock.json`, "utf8");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lockfile) {
  // No install scripts: the binaries ship inside the packages.
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts"], { cwd: folder, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, lockfile);
}
