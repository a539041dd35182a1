import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(fileURLToPath(new URL("../runtimes/package.json", import.meta.url)));
const platform = `${process.platform}-${process.arch}`;

/** A JavaScript runtime to run a file on. */
export interface Runtime {
  readonly name: "node20" | "node22" | "node24" | "bun" | "deno";
  readonly command: string;
  readonly args: readonly string[];
}

function inPackage(name: string, ...file: string[]): string {
  return join(dirname(require.resolve(`${name}/package.json`)), ...file);
}

function denoPackage(): string {
  return `@deno/${platform}${process.platform === "linux" ? "-glibc" : ""}`;
}

function bunPackage(): string {
  return `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : "x64"}`;
}

/** All runtimes that Posthorn supports. The first is the Node that the tests themselves run on. */
export const RUNTIMES: readonly Runtime[] = [
  { name: "node20", command: process.execPath, args: [] },
  { name: "node22", command: inPackage(`node22-${platform}`, "bin", "node"), args: [] },
  { name: "node24", command: inPackage(`node24-${platform}`, "bin", "node"), args: [] },
  { name: "bun", command: inPackage(bunPackage(), "bin", "bun"), args: ["run"] },
  {
    name: "deno",
    command: inPackage(denoPackage(), "deno"),
    args: ["run", "--allow-all", "--no-prompt", "--node-modules-dir=manual", "--quiet"],
  },
];

/** Cloudflare's runtime, which serves Workers; it runs no files as the others do. */
export const WORKERD: string = inPackage(
  `@cloudflare/workerd-${process.platform}-${process.arch === "x64" ? "64" : process.arch}`,
  "bin",
  "workerd",
);

/** What a run printed, and how it ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a file on a runtime, to its end or for `timeout` milliseconds at most. */
export function runOn(
  runtime: Runtime,
  file: string,
  options: {
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly timeout?: number;
  } = {},
): Promise<Run> {
  if (!existsSync(runtime.command))
    throw new Error(`${runtime.name} is not installed: run "node scripts/runtimes.mjs"`);
  return new Promise((resolve, reject) => {
    const child = spawn(runtime.command, [...runtime.args, file, ...(options.args ?? [])], {
      cwd: options.cwd,
      env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", FORCE_COLOR: "0", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.timeout ?? 60_000,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
