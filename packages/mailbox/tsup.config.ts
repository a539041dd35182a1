import { definePackage } from "../../tsup.base.js";
import { virtualModules } from "./src/page/build.js";

export default definePackage(
  { index: "src/index.ts" },
  { external: ["smtp-server"], esbuildPlugins: [virtualModules()] },
);
