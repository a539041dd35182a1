// Runs on Node, Bun and Deno: sends by the recipe of apps/docs/connections.md that its argument names.
import { readFileSync } from "node:fs";
import { fetchWith } from "@posthorn/core";
import { mandrill } from "@posthorn/mandrill";

const { recipe, apiUrl, proxy, certificates, sends = 1 } = JSON.parse(process.argv[2]);
const pem = (name) => readFileSync(`${certificates}/${name}.pem`, "utf8");

/** Options of the runtime's own for `fetch`, and on Node the `fetch` that takes them. */
const RECIPES = {
  node: {
    proxy: async ({ ProxyAgent }) => new ProxyAgent({ uri: proxy, requestTls: { ca: pem("ca") } }),
    ca: async ({ Agent }) => new Agent({ connect: { ca: pem("ca") } }),
    mtls: async ({ Agent }) =>
      new Agent({ connect: { ca: pem("ca"), cert: pem("client"), key: pem("client-key") } }),
    cap: async ({ Agent }) => new Agent({ connections: 2, keepAliveTimeout: 30_000 }),
  },
  bun: {
    proxy: () => ({ proxy, tls: { ca: pem("ca") } }),
    ca: () => ({ tls: { ca: pem("ca") } }),
    mtls: () => ({ tls: { ca: pem("ca"), cert: pem("client"), key: pem("client-key") } }),
  },
  deno: {
    proxy: () => client({ proxy: { url: proxy }, caCerts: [pem("ca")] }),
    ca: () => client({ caCerts: [pem("ca")] }),
    mtls: () => client({ caCerts: [pem("ca")], cert: pem("client"), key: pem("client-key") }),
  },
};

function client(options) {
  return { client: Deno.createHttpClient({ ...options, poolMaxIdlePerHost: 0 }) };
}

async function fetchOf(name) {
  if (name === "none") return undefined;
  if (globalThis.Bun) return fetchWith(RECIPES.bun[name]());
  if (globalThis.Deno) return fetchWith(RECIPES.deno[name]());
  const undici = await import("undici");
  return fetchWith({ dispatcher: await RECIPES.node[name](undici) }, undici.fetch);
}

const mail = mandrill({ apiKey: "made-up", apiUrl, fetch: await fetchOf(recipe), retry: false });
const attachments = [{ filename: "a.bin", content: new Uint8Array(400_000) }];
const message = { from: "a@example.com", to: ["b@example.org"], subject: "S", text: "T", attachments };
const outcomes = await Promise.all(
  Array.from({ length: sends }, () =>
    mail.send(message).then(
      ({ status }) => status,
      ({ phase, code, delivery }) => ({ phase, code, delivery }),
    ),
  ),
);
console.log(JSON.stringify(outcomes));
await mail.close();
process.exit(0);
