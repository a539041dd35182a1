import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { WORKERD } from "../runtimes.js";

const config = (compatibilityDate: string): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "${compatibilityDate}",
      globalOutbound = "loopback",
    )),
    (name = "loopback", network = (allow = ["127.0.0.0/8"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;

/**
 * Serves `probe-worker.mjs` on workerd.
 *
 * @param compatibilityDate such as `2025-11-01`
 */
export async function startProbeWorker(
  compatibilityDate = "2025-11-01",
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "posthorn-probe-"));
  await build({
    entryPoints: [fileURLToPath(new URL("probe-worker.mjs", import.meta.url))],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker"],
    logLevel: "error",
  });
  writeFileSync(join(folder, "worker.capnp"), config(compatibilityDate));
  // What it writes of failed requests is what the test provokes.
  const child = spawn(WORKERD, ["serve", join(folder, "worker.capnp"), "--control-fd=3"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const close = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  let text = "";
  for await (const chunk of (child.stdio[3] as Readable).setEncoding("utf8")) {
    text += chunk as string;
    const port = /"socket":"http","port":(\d+)/.exec(text)?.[1];
    if (port) return { url: `http://127.0.0.1:${port}`, close };
  }
  await close();
  throw new Error("workerd did not tell its port");
}
