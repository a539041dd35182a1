import { definePackage } from "../../tsup.base.js";

export default definePackage(
  { index: "src/index.ts", servers: "src/servers/index.ts", conformance: "src/conformance/index.ts" },
  { platform: "node" },
);
