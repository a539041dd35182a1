import type { Options } from "tsup";

/**
 * How every package is built: ESM with declarations. What it writes is the source without its types, so source maps would tell
 * little more; they were half of an installation, and Deno reads them at each start.
 *
 * A library is a devDependency: so it is built in, and nobody has to install it. Its licence goes to THIRD-PARTY.md.
 *
 * @param entry the package's entries by their name in `dist`
 */
export function definePackage(entry: Record<string, string>, options: Options = {}): Options {
  return {
    entry,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    dts: true,
    clean: true,
    treeshake: true,
    tsconfig: "tsconfig.json",
    ...options,
  };
}
