import { readFileSync } from "node:fs";
import type { Plugin } from "esbuild";
import { definePackage } from "../../tsup.base.js";

/** ofetch's entry makes an instance of its own when it is imported, which makes Node load all of its fetch. Here it goes unused. */
const ofetchWithoutInstance: Plugin = {
  name: "ofetch-without-instance",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]ofetch[\\/]dist[\\/]index\.mjs$/ }, ({ path }) => {
      const source = /^import (.*\bcreateFetch\b.* from .*)$/m.exec(readFileSync(path, "utf8"))?.[1];
      if (!source) throw new Error("ofetch no longer imports createFetch from a file of its own");
      return { contents: `export ${source}` };
    });
  },
};

export default definePackage(
  {
    index: "src/index.ts",
    provider: "src/provider.ts",
    webhooks: "src/webhooks/index.ts",
    inbound: "src/inbound/index.ts",
    mime: "src/mime/index.ts",
    manage: "src/manage/index.ts",
    sns: "src/sns/index.ts",
    node: "src/node/index.ts",
  },
  { esbuildPlugins: [ofetchWithoutInstance] },
);
