import type { Options } from "tsup";

/**
 * How every package is built: ESM with declarations and source maps. A library that one entry alone needs is a devDependency:
 * so it is built into that entry, and who does not use it does not install it.
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
    sourcemap: true,
    clean: true,
    treeshake: true,
    tsconfig: "tsconfig.json",
    ...options,
  };
}
