// Packs each published package once, and checks what would be published: publint for the manifest and the files, "are the types
// wrong" for the types of each entry in every mode of resolution, node10 among them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { ESM_ONLY, publishedPackages } from "./manifests.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const tarballs = mkdtempSync(join(tmpdir(), "posthorn-packages-"));
const faults = [];
try {
  const packages = publishedPackages();
  const workspaces = packages.flatMap(({ name }) => ["--workspace", name]);
  execFileSync("npm", ["pack", "--silent", "--pack-destination", tarballs, ...workspaces], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const files = readdirSync(tarballs);
  for (const { name, manifest } of packages) {
    const file = files.find(
      (entry) => entry === `${name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`,
    );
    const tarball = readFileSync(join(tarballs, file));
    const { messages } = await publint({ pack: { tarball: arrayBuffer(tarball) }, strict: true });
    for (const message of messages) faults.push(`${name}: ${formatMessage(message, manifest)}`);
    const { problems = [] } = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)), {
      excludeEntrypoints: [...(ESM_ONLY[name] ?? [])],
    });
    for (const problem of problems) faults.push(`${name}: ${JSON.stringify(problem)}`);
  }
  console.log(`${packages.length} packages checked`);
} finally {
  rmSync(tarballs, { recursive: true, force: true });
}
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exitCode = 1;
}

function arrayBuffer(buffer) {
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
}
