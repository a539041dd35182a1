// Runs on Deno: counts the HTTP clients that making a backend and sending twice open.
import { mandrill } from "@posthorn/mandrill";

const [, , apiUrl] = process.argv;
const create = Deno.createHttpClient;
let clients = 0;
Deno.createHttpClient = (options) => {
  clients++;
  return create(options);
};
const backend = mandrill({ apiKey: "made-up", apiUrl });
const counts = [clients];
for (const subject of ["first", "second"]) {
  await backend.send({ from: "a@example.com", to: ["b@example.org"], subject, text: "T" });
  counts.push(clients);
}
backend.close();
console.log(JSON.stringify(counts));
