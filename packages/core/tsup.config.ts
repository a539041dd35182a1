import { definePackage } from "../../tsup.base.js";

export default definePackage({
  index: "src/index.ts",
  webhook: "src/webhook/index.ts",
  inbound: "src/inbound/index.ts",
  sns: "src/sns/index.ts",
  node: "src/node/index.ts",
});
