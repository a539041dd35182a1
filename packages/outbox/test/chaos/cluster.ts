import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { cleanup, tempFolder } from "../helpers.js";

/** A PostgreSQL server of the test's own, in a temporary folder. */
export interface Cluster {
  readonly url: string;
  readonly port: number;
  /** Restarts it as a crash would: without a checkpoint, connections cut. */
  restart(): void;
}

/** Where PostgreSQL's programs are; `undefined` where there are none. */
export const POSTGRES_BIN: string | undefined = [
  process.env["POSTHORN_TEST_POSTGRES_BIN"],
  ...(existsSync("/usr/lib/postgresql")
    ? readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`)
    : []),
].find((folder) => folder !== undefined && existsSync(join(folder, "initdb")));

/** Runs a program of PostgreSQL's, which refuses to be root. */
function run(program: string, args: readonly string[]): void {
  const path = join(String(POSTGRES_BIN), program);
  const isRoot = process.getuid?.() === 0;
  const [command, given] = isRoot ? ["runuser", ["-u", "postgres", "--", path, ...args]] : [path, args];
  const { status, stderr, stdout } = spawnSync(command as string, given as string[], {
    encoding: "utf8",
    timeout: 60_000,
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
  });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}${stdout}`);
}

/** Starts a cluster. It is stopped and removed at the end of the test file. */
export async function startCluster(): Promise<Cluster> {
  const folder = tempFolder();
  // The server's user must reach it.
  chmodSync(folder, 0o777);
  const data = join(folder, "data");
  const sockets = join(folder, "s");
  mkdirSync(sockets);
  chmodSync(sockets, 0o777);
  run("initdb", ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]);
  const port = await freePort();
  const options = `-p ${port} -h 127.0.0.1 -k ${sockets} -c fsync=off -c max_connections=60`;
  const log = join(folder, "s", "log");
  run("pg_ctl", ["-D", data, "-o", options, "-l", log, "-w", "start"]);
  cleanup(() => run("pg_ctl", ["-D", data, "-m", "immediate", "-w", "stop"]));
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    restart: () => run("pg_ctl", ["-D", data, "-o", options, "-l", log, "-m", "immediate", "-w", "restart"]),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
