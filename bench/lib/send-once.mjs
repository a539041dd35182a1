// Sends one mail by one subject and says so: `send-once.mjs PROVIDER KIND URL`.
import process from "node:process";
import { subject } from "./subjects.mjs";

const [provider, kind, api] = process.argv.slice(2);
const send = await subject(provider, kind, api);
await send();
console.log("sent");
process.exit();
