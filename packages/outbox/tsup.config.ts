import { definePackage } from "../../tsup.base.js";

export default definePackage(
  {
    index: "src/index.ts",
    postgres: "src/postgres/index.ts",
    sqlite: "src/sqlite/index.ts",
    page: "src/page/index.ts",
    commands: "src/commands/index.ts",
  },
  { platform: "node" },
);
