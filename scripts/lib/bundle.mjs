import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/**
 * Bundles a program as an application for the edge or a browser would be: everything in one file, minified.
 *
 * @param {string} program the program's text
 * @param {string} resolveDir the folder whose `node_modules` its imports are found in
 * @param {import("esbuild").BuildOptions} options to change how it is bundled
 * @returns bytes of the file, bytes of it gzipped at level 9, and by input file the bytes that it has in the bundle
 */
export async function bundle(program, resolveDir, options = {}) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir, loader: "js" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    logLevel: "silent",
    metafile: true,
    write: false,
    ...options,
  });
  const [file] = outputFiles;
  const [output] = Object.values(metafile.outputs);
  const modules = Object.entries(output.inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput]);
  return {
    minified: file.contents.length,
    gzipped: gzipSync(file.contents, { level: 9 }).length,
    modules: Object.fromEntries(modules.filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a)),
  };
}
