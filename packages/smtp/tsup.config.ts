import { definePackage } from "../../tsup.base.js";

export default definePackage(
  { index: "src/index.ts", transporter: "src/transporter.ts" },
  { platform: "node", removeNodeProtocol: false },
);
