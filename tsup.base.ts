import type { Options } from "tsup";
import { writeDeclarations } from "./scripts/declarations.mjs";

/**
 * How every package is built: ESM and CommonJS, with declarations of both. The code that it writes is the source without its
 * types, so source maps would tell little more; they were half of an installation, and Deno reads them at each start.
 *
 * A library is a devDependency: so it is built in, and nobody has to install it. Its licence goes to THIRD-PARTY.md.
 *
 * @param entry the package's entries by their name in `dist`
 */
export function definePackage(entry: Record<string, string>, options: Options = {}): Options {
  return {
    entry,
    format: ["esm", "cjs"],
    splitting: true,
    target: "es2022",
    platform: "neutral",
    dts: false,
    clean: true,
    treeshake: true,
    tsconfig: "tsconfig.json",
    onSuccess: async () => writeDeclarations(),
    ...options,
  };
}
