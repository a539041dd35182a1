// Writes a package's type declarations into `dist`, after tsup has written its code: `dist/types` for `import`, and a copy
// that Node's rules take for CommonJS, `dist/types-cjs`, for `require`. tsup would bundle them in one file an entry, which takes ten
// times as long and leaves no declaration maps.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));

/** @param folder the package */
export function writeDeclarations(folder = process.cwd()) {
  const project = ["tsconfig.src.json", "tsconfig.json"].find((name) => existsSync(join(folder, name)));
  const types = join(folder, "dist", "types");
  const options = ["--noEmit", "false", "--declaration", "--declarationMap", "--emitDeclarationOnly"];
  const folders = ["--rootDir", "src", "--outDir", types];
  execFileSync(process.execPath, [tsc, "--project", project, ...options, ...folders], {
    cwd: folder,
    stdio: "inherit",
  });
  for (const name of readdirSync(types, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".d.ts")) forOlderCompilers(join(types, name));
  }
  const commonjs = join(folder, "dist", "types-cjs");
  mkdirSync(commonjs, { recursive: true });
  cpSync(types, commonjs, { recursive: true, filter: (file) => !file.endsWith(".map") });
  writeFileSync(join(commonjs, "package.json"), '{ "type": "commonjs" }\n');
}

/** `Uint8Array` takes a parameter since TypeScript 5.7 only; what `TextEncoder` gives is the same type in each release. */
function forOlderCompilers(file) {
  const text = readFileSync(file, "utf8");
  const made = text.replaceAll(
    "Uint8Array<ArrayBuffer>",
    'ReturnType<InstanceType<typeof TextEncoder>["encode"]>',
  );
  if (made !== text) writeFileSync(file, made);
}
