import { definePackage } from "../../tsup.base.js";

export default definePackage({
  index: "src/index.ts",
  manage: "src/manage.ts",
  webhooks: "src/webhooks/index.ts",
});
