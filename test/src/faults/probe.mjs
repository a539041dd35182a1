// Runs on each runtime: sends to the URLs of its argument, and prints how that ended.
import { sendProbes } from "./send-probes.mjs";

console.log(JSON.stringify(await sendProbes(JSON.parse(process.argv[2]))));
