import { type ServerType, serve } from "@hono/node-server";
import type { Hono } from "hono";

/** An app that listens. */
export interface Listening {
  readonly url: string;
  /** Stops, and cuts connections that are open: pages that follow never end by themselves. */
  close(): Promise<void>;
}

/** Serves an app on this machine alone. Port 0 takes one that is free. */
export async function listen(app: Hono, port: number): Promise<Listening> {
  const server = await new Promise<ServerType>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () => resolve(starting));
    starting.on("error", reject);
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the app has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}
