import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bench = fileURLToPath(new URL("..", import.meta.url));

/**
 * What installing a package puts on the disk, with all that it depends on: bytes, files, packages.
 *
 * @param {string} name a peer in `bench/node_modules`, or `@posthorn/…`, counted as npm would pack it
 */
export function installSize(name) {
  const seen = new Map();
  add(name, name.startsWith("@posthorn/") ? root : bench, seen);
  const all = [...seen.values()];
  const sum = (key) => all.reduce((total, size) => total + size[key], 0);
  return { bytes: sum("bytes"), files: sum("files"), packages: all.length };
}

function add(name, from, seen) {
  const folder = find(name, from);
  if (!folder || seen.has(folder)) return;
  const own = name.startsWith("@posthorn/");
  seen.set(folder, own ? packed(folder) : onDisk(folder));
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const dependency of Object.keys(dependencies)) add(dependency, folder, seen);
}

/** As Node looks for it: in the folder's own `node_modules`, then in those above. */
function find(name, from) {
  if (name.startsWith("@posthorn/")) return join(root, "packages", name.slice("@posthorn/".length));
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
  }
  return undefined;
}

function packed(folder) {
  const { stdout, stderr } = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: folder,
    encoding: "utf8",
  });
  const report = JSON.parse(stdout || "null");
  // An array, or by the package's name, as npm's version has it.
  const [entry] = Object.values(report ?? {});
  if (!entry) throw new Error(`npm pack in ${folder}: ${stderr}`);
  return { bytes: entry.unpackedSize, files: entry.entryCount };
}

function onDisk(folder) {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true }).filter(
    (entry) => entry.isFile() && !entry.parentPath.slice(folder.length).includes("node_modules"),
  );
  const bytes = entries.map((entry) => lstatSync(join(entry.parentPath, entry.name)).size);
  return { bytes: bytes.reduce((total, size) => total + size, 0), files: entries.length };
}
