import type { Options } from "tsup";

/**
 * How every package is built: ESM with declarations and source maps.
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
