// Installs what the tests run on (Bun, Deno, workerd, Node 22 and 24; other TypeScript releases), unless it is there already.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

for (const name of ["runtimes", "compilers"]) {
  const folder = fileURLToPath(new URL(`../test/${name}/`, import.meta.url));
  const stamp = `${folder}node_modules/.installed-lockfile`;
  const lockfile = readFileSync(`${folder}package-lock.json`, "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lockfile) continue;
  // No install scripts: the binaries ship inside the packages.
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: folder,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, lockfile);
}
