import { definePackage } from "../../tsup.base.js";

export default definePackage(
  { main: "src/main.ts", server: "src/server.ts" },
  { platform: "node", format: "esm", onSuccess: async () => {} },
);
