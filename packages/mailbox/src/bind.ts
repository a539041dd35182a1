import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ConfigurationError } from "./core.js";

/** Listens, and says in plain words what is in the way. */
export function bind(
  server: { listen(port: number, host: string): unknown } & Pick<Server, "once" | "off" | "address">,
  port: number,
  host: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error & { readonly code?: string }): void => {
      const why = cause.code === "EADDRINUSE" ? "is in use: pass another port, or 0 for any" : cause.message;
      reject(new ConfigurationError(`Mailbox: port ${port} ${why}`, { provider: "Mailbox", cause }));
    };
    server.once("error", fail);
    server.once("listening", () => {
      server.off("error", fail);
      resolve((server.address() as AddressInfo).port);
    });
    server.listen(port, host);
  });
}
