import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A URL on loopback at which nothing listens. */
export async function refusedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return `http://127.0.0.1:${address.port}`;
}

/** A URL whose name does not resolve, anywhere: `.invalid` is reserved for that (RFC 6761). */
export const UNRESOLVABLE_URL = "http://posthorn.invalid";

/** An address at which connecting neither succeeds nor fails. */
export interface BlackHole {
  readonly url: string;
  close(): void;
}

const LISTENER = `
const server = require("node:net").createServer();
server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
  process.stdout.write(String(server.address().port) + "\\n", () => process.kill(process.pid, "SIGSTOP"));
});
`;

/**
 * A listener on loopback that never accepts, its backlog full, so that further connection attempts hang (Linux).
 */
export async function startBlackHole(): Promise<BlackHole> {
  const child = spawn(process.execPath, ["-e", LISTENER], { stdio: ["ignore", "pipe", "ignore"] });
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(chunk.toString());
  // The kernel queues backlog + 1 connections and a few more; what it has no room for is left unanswered.
  const fillers: Socket[] = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await new Promise((resolve) => setTimeout(resolve, 300));
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      for (const socket of fillers) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}
