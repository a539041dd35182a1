import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES, type Runtime, runOn } from "../runtimes.js";
import { CA, CLIENT_CERT, CLIENT_KEY, SERVER_CERT, SERVER_KEY } from "./certificates.js";

const recipe = fileURLToPath(new URL("recipe.mjs", import.meta.url));
const SENT = '[{"email":"b@example.org","status":"sent","_id":"1"}]';
const servers: Server[] = [];
const sockets = new Set<Socket>();
/** How the requests were framed, and over which port of the client. */
let seen: { length: string | undefined; encoding: string | undefined; port: number | undefined }[] = [];
let tunnels: string[] = [];
let certificates: string;
let plain: string;
let secure: string;
let mutual: string;
let proxy: string;

function respond(request: IncomingMessage, response: ServerResponse): void {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  seen.push({ length, encoding, port: request.socket.remotePort });
  request.resume().on("end", () => response.setHeader("content-type", "application/json").end(SENT));
}

async function start(server: Server): Promise<string> {
  servers.push(server);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  certificates = mkdtempSync(join(tmpdir(), "posthorn-certificates-"));
  for (const [name, pem] of Object.entries({ ca: CA, client: CLIENT_CERT, "client-key": CLIENT_KEY }))
    writeFileSync(join(certificates, `${name}.pem`), pem);
  const own = { key: SERVER_KEY, cert: SERVER_CERT };
  plain = `http://${await start(createServer(respond))}`;
  secure = `https://${await start(createSecureServer(own, respond))}`;
  mutual = `https://${await start(createSecureServer({ ...own, ca: CA, requestCert: true }, respond))}`;
  const tunnel = createServer().on("connect", ({ url = "" }: IncomingMessage, client: Socket) => {
    tunnels.push(url);
    const target = connect(Number(url.split(":")[1]), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(target).pipe(client);
    });
    for (const socket of [client, target]) socket.on("error", () => socket.destroy());
  });
  proxy = `http://${await start(tunnel)}`;
});
afterEach(() => {
  seen = [];
  tunnels = [];
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(certificates, { recursive: true, force: true });
});

async function run(runtime: Runtime, options: object, env: Record<string, string> = {}): Promise<unknown[]> {
  const { stdout, stderr } = await runOn(runtime, recipe, {
    args: [JSON.stringify({ proxy, certificates, ...options })],
    env,
  });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as unknown[];
}

const named = (wanted: string): Runtime => RUNTIMES.find(({ name }) => name === wanted) as Runtime;

describe.each(RUNTIMES.map((runtime) => [runtime.name, runtime] as const))(
  "the recipes of connections.md on %s",
  { timeout: 60_000 },
  (name, runtime) => {
    it("go through a proxy", async () => {
      expect(await run(runtime, { recipe: "proxy", apiUrl: secure })).toEqual(["sent"]);
      expect(tunnels).toEqual([secure.slice("https://".length)]);
      expect(seen).toHaveLength(1);
      // A body without its length may be refused.
      expect([Number(seen[0]?.length) > 400_000, seen[0]?.encoding]).toEqual([true, undefined]);
    });

    it("trust a certificate authority of one's own, which is not trusted otherwise", async () => {
      expect(await run(runtime, { recipe: "ca", apiUrl: secure })).toEqual(["sent"]);
      expect(await run(runtime, { recipe: "none", apiUrl: secure })).toMatchObject([
        { phase: "other", delivery: "not-sent" },
      ]);
      expect(seen).toHaveLength(1);
    });

    it("show a certificate of the client", async () => {
      expect(await run(runtime, { recipe: "mtls", apiUrl: mutual })).toEqual(["sent"]);
      expect(await run(runtime, { recipe: "ca", apiUrl: mutual })).toMatchObject([{ phase: "read" }]);
      expect(seen).toHaveLength(1);
    });

    it.runIf(name.startsWith("node"))("keep a number of connections, and use them again", async () => {
      expect(await run(runtime, { recipe: "cap", apiUrl: plain, sends: 12 })).toHaveLength(12);
      expect(seen).toHaveLength(12);
      expect(new Set(seen.map(({ port }) => port)).size).toBe(2);
    });

    it("know a proxy that nobody listens at from a message that may have been sent", async () => {
      const nowhere = { proxy: "http://127.0.0.1:9999", recipe: "proxy", apiUrl: secure };
      const [outcome] = await run(runtime, nowhere);
      expect(outcome).toMatchObject({ phase: expect.stringMatching(/connect|other/), delivery: "not-sent" });
    });
  },
);

describe("settings of the environment", { timeout: 60_000 }, () => {
  it.each(["node20", "node22", "node24", "bun"])("NODE_EXTRA_CA_CERTS on %s", async (name) => {
    const env = { NODE_EXTRA_CA_CERTS: join(certificates, "ca.pem") };
    expect(await run(named(name), { recipe: "none", apiUrl: secure }, env)).toEqual(["sent"]);
  });

  it("DENO_CERT on Deno", async () => {
    const env = { DENO_CERT: join(certificates, "ca.pem") };
    expect(await run(named("deno"), { recipe: "none", apiUrl: secure }, env)).toEqual(["sent"]);
  });

  it.each<[string, Record<string, string>]>([
    ["node24", { NODE_USE_ENV_PROXY: "1" }],
    ["bun", {}],
    ["deno", {}],
  ])("HTTPS_PROXY on %s", async (name, more) => {
    const ca = join(certificates, "ca.pem");
    const env = { HTTPS_PROXY: proxy, NO_PROXY: "", NODE_EXTRA_CA_CERTS: ca, DENO_CERT: ca, ...more };
    expect(await run(named(name), { recipe: "none", apiUrl: secure }, env)).toEqual(["sent"]);
    expect(tunnels).toHaveLength(1);
  });
});

describe("Next.js 14, whose fetch answers a POST from its cache", () => {
  it("sends each message all the same", { timeout: 60_000 }, async () => {
    const script = fileURLToPath(new URL("next-cache.mjs", import.meta.url));
    const { stdout, stderr } = await runOn(named("node20"), script);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({ plain: 1, sends: 3 });
  });
});
