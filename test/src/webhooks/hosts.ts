import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { serve as serveHono } from "@hono/node-server";
import { toNodeHandler } from "@posthorn/core/node";
import { build } from "esbuild";
import express, { type RequestHandler } from "express";
import { Hono } from "hono";
import { RUNTIMES, WORKERD } from "../runtimes.ts";
import { createHooks } from "./servers/hooks.ts";

/** A webhook mounted on something that serves it. */
export interface Host {
  send(init: RequestInit): Promise<Response>;
  /** The ids of the events that the app saw. */
  events(): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

/** Everything that a webhook is to run on, by name. */
export const HOSTS: Readonly<Record<string, () => Promise<Host>>> = {
  "a plain call": async () => {
    const { webhook, events } = createHooks();
    return called(webhook, events);
  },
  "a Next.js route handler": async () => {
    const { webhook: POST, events } = createHooks();
    // As Next calls it: with a context, which the webhook has no use for.
    const route: (request: Request, context: { params: Promise<object> }) => Promise<Response> = POST;
    return called((request) => route(request, { params: Promise.resolve({}) }), events);
  },
  "Node's http": async () => {
    const { webhook, events } = createHooks();
    return listening(createServer(toNodeHandler(webhook)), events);
  },
  "Express, before express.json": () =>
    onExpress((webhook) => express().use("/hooks", webhook).use(express.json())),
  "Express, after express.raw": () =>
    onExpress((webhook) =>
      express()
        .use(express.raw({ type: () => true, limit: "1mb" }))
        .use("/hooks", webhook),
    ),
  "Express, after express.json that keeps the bytes": () =>
    onExpress((webhook) =>
      express()
        .use(
          express.json({
            limit: "1mb",
            verify: (request, _response, bytes) => void Object.assign(request, { rawBody: bytes }),
          }),
        )
        .use("/hooks", webhook),
    ),
  "Hono on Node": async () => {
    const { webhook, events } = createHooks();
    const app = new Hono().all("/hooks", (context) => webhook(context.req.raw));
    const server = await new Promise<Server>((resolve) => {
      const options = { fetch: app.fetch, port: 0, hostname: "127.0.0.1" };
      const started = serveHono(options, () => resolve(started as Server));
    });
    return listening(server, events);
  },
  "Bun.serve": () => spawned("bun"),
  "Deno.serve": () => spawned("deno"),
  "Workers (workerd)": onWorkerd,
};

function called(handler: (request: Request) => Promise<Response>, events: readonly unknown[]): Host {
  return {
    send: (init) => handler(new Request("http://127.0.0.1/hooks", init)),
    events: async () => events,
    close: async () => {},
  };
}

/** An Express app around the webhook, on a free port. */
export async function onExpress(mount: (webhook: RequestHandler) => RequestListener): Promise<Host> {
  const { webhook, events } = createHooks();
  return listening(createServer(mount(toNodeHandler(webhook))), events);
}

async function listening(server: Server, events: readonly unknown[]): Promise<Host> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    send: (init) => fetch(`http://127.0.0.1:${port}/hooks`, init),
    events: async () => events,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function spawned(name: "bun" | "deno"): Promise<Host> {
  const runtime = RUNTIMES.find((known) => known.name === name);
  if (!runtime) throw new Error(`${name} is no runtime`);
  const file = fileURLToPath(new URL(`./servers/${name}.ts`, import.meta.url));
  const child = spawn(runtime.command, [...runtime.args, file], { stdio: ["ignore", "pipe", "inherit"] });
  return remote(child, await portOf(child, child.stdout, /^port (\d+)$/m));
}

async function onWorkerd(): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), "posthorn-worker-"));
  const servers = fileURLToPath(new URL("./servers/", import.meta.url));
  await build({
    entryPoints: [join(servers, "worker.ts")],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker"],
    logLevel: "error",
  });
  const config = join(folder, "worker.capnp");
  cpSync(join(servers, "worker.capnp"), config);
  const child = spawn(WORKERD, ["serve", config, "--control-fd=3"], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const control = child.stdio[3] as Readable;
  const host = remote(child, await portOf(child, control, /"socket":"http","port":(\d+)/));
  return {
    ...host,
    close: async () => {
      await host.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until a server tells its port, for 20 seconds at most. */
function portOf(child: ChildProcess, output: Readable, pattern: RegExp): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      child.kill("SIGKILL");
      reject(new Error(`${child.spawnfile} ${why}`));
    };
    const timer = setTimeout(fail, 20_000, "did not tell its port");
    let text = "";
    output.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const port = pattern.exec(text)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
  });
}

function remote(child: ChildProcess, port: number): Host {
  const base = `http://127.0.0.1:${port}`;
  return {
    send: (init) => fetch(`${base}/hooks`, init),
    events: async () => (await (await fetch(`${base}/events`)).json()) as readonly unknown[],
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      }),
  };
}
