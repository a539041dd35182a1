import { definePackage } from "../../tsup.base.js";

export default definePackage(
  {
    index: "src/index.ts",
    servers: "src/servers/index.ts",
    conformance: "src/conformance/index.ts",
    webhooks: "src/webhooks/index.ts",
    sns: "src/sns/index.ts",
  },
  { platform: "node" },
);
