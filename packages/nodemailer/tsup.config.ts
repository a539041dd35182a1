import { definePackage } from "../../tsup.base.js";

// What is shared with `@posthorn/smtp` is built in: whoever has a transporter needs no second Nodemailer.
export default definePackage({ index: "src/index.ts" }, { platform: "node", removeNodeProtocol: false });
