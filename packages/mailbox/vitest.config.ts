import { mergeConfig } from "vitest/config";
import { config } from "../../vitest.base.js";
import { VIRTUAL_MODULES } from "./src/page/build.js";

export default mergeConfig(config, {
  plugins: [
    {
      name: "mailbox-modules",
      resolveId: (id: string) => (Object.hasOwn(VIRTUAL_MODULES, id) ? `\0${id}` : undefined),
      load: (id: string) => (id.startsWith("\0") ? VIRTUAL_MODULES[id.slice(1)]?.() : undefined),
    },
  ],
});
