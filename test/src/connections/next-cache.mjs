// Runs on Node: three sends beside three plain requests, under the `fetch` that Next.js 14 puts in the platform's place, as in a page
// before it has read cookies or headers. Prints how many requests the server saw of each.
import { AsyncLocalStorage } from "node:async_hooks";
import { createServer } from "node:http";
import Module, { createRequire } from "node:module";
import { mandrill } from "@posthorn/mandrill";

globalThis.AsyncLocalStorage = AsyncLocalStorage;
const require = createRequire(new URL("../../runtimes/package.json", import.meta.url));
// Next brings a React of its own.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) =>
  resolveFilename.call(
    Module,
    name === "react" ? "next/dist/compiled/react/react.react-server.js" : name,
    ...rest,
  );
const { patchFetch } = require("next/dist/server/lib/patch-fetch.js");
const { IncrementalCache } = require("next/dist/server/lib/incremental-cache/index.js");
const { nodeFs } = require("next/dist/server/lib/node-fs-methods.js");
const storage = require("next/dist/client/components/static-generation-async-storage.external.js");
const { staticGenerationAsyncStorage } = storage;
const serverHooks = require("next/dist/client/components/hooks-server-context.js");

const SENT = '[{"email":"b@example.org","status":"sent","_id":"1"}]';
let requests = 0;
const server = createServer((request, response) => {
  requests++;
  request.resume().on("end", () => response.setHeader("content-type", "application/json").end(SENT));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;

patchFetch({ serverHooks, staticGenerationAsyncStorage });
const incrementalCache = new IncrementalCache({
  fs: nodeFs,
  dev: false,
  appDir: true,
  fetchCache: true,
  minimalMode: false,
  requestHeaders: {},
  flushToDisk: false,
  maxMemoryCacheSize: 1_000_000,
  serverDistDir: "/nowhere",
  getPrerenderManifest: () => ({
    version: 4,
    routes: {},
    dynamicRoutes: {},
    notFoundRoutes: [],
    preview: { previewModeId: "made-up" },
  }),
});

async function countOf(send) {
  requests = 0;
  const store = {
    isStaticGeneration: false,
    urlPathname: "/page",
    pagePath: "/page",
    incrementalCache,
    fetchMetrics: [],
    pendingRevalidates: {},
  };
  await staticGenerationAsyncStorage.run(store, async () => {
    for (let sends = 0; sends < 3; sends++) await send();
  });
  return requests;
}

const mail = mandrill({ apiKey: "made-up", apiUrl: url });
const message = { from: "a@example.com", to: ["b@example.org"], subject: "S", text: "T" };
const plain = await countOf(async () => (await fetch(url, { method: "POST", body: "{}" })).text());
const sends = await countOf(() => mail.send(message));
console.log(JSON.stringify({ plain, sends }));
await mail.close();
server.close();
