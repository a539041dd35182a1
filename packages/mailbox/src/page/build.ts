import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

/** The page's own files, as the mailbox serves them. */
interface BuiltPage {
  readonly script: string;
  readonly style: string;
}

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
let built: Promise<BuiltPage> | undefined;

/** Builds the page into one script and one style sheet. It runs when the package is built, never at a user's. */
function buildPage(): Promise<BuiltPage> {
  built ??= bundle();
  return built;
}

async function bundle(): Promise<BuiltPage> {
  const { outputFiles } = await build({
    entryPoints: [at("./main.tsx")],
    bundle: true,
    minify: true,
    write: false,
    outdir: "out",
    format: "esm",
    target: "es2022",
    // Settings for the type checker would win over those below.
    tsconfigRaw: {},
    jsx: "transform",
    jsxFactory: "h",
    jsxFragment: "Fragment",
    inject: [at("./jsx.ts")],
    legalComments: "none",
  });
  const fileOf = (extension: string): string =>
    outputFiles.find(({ path }) => path.endsWith(extension))?.text ?? "";
  return { script: fileOf(".js"), style: fileOf(".css") };
}

/** The sources of modules that are made when the package is built, by name. `virtual.d.ts` has their types. */
export const VIRTUAL_MODULES: Readonly<Record<string, () => Promise<string>>> = {
  "virtual:mailbox-page": async () => {
    const { script, style } = await buildPage();
    return `export const script = ${JSON.stringify(script)};\nexport const style = ${JSON.stringify(style)};\n`;
  },
};

/** Resolves {@link VIRTUAL_MODULES} for esbuild. */
export function virtualModules(): Plugin {
  return {
    name: "mailbox-modules",
    setup({ onLoad, onResolve }) {
      const namespace = "mailbox";
      onResolve({ filter: /^virtual:/ }, ({ path }) =>
        Object.hasOwn(VIRTUAL_MODULES, path) ? { path, namespace } : undefined,
      );
      onLoad({ filter: /.*/, namespace }, async ({ path }) => ({
        contents: (await VIRTUAL_MODULES[path]?.()) ?? "",
      }));
    },
  };
}
