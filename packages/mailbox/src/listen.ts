import { createServer, type Server } from "node:http";
import { toNodeHandler } from "@posthorn/core/node";
import { bind } from "./bind.js";
import { isLoopback } from "./guard.js";
import type { ListeningMailbox, ListenOptions } from "./mailbox.js";
import type { SmtpIntake } from "./smtp.js";

/** Serves a mailbox on a port, and takes SMTP on another where that is asked for. */
export async function listen(
  handler: (request: Request) => Promise<Response>,
  { port = 4025, host = "127.0.0.1", smtp = false }: ListenOptions,
  intake: SmtpIntake,
): Promise<ListeningMailbox> {
  const server = createServer((request, response) => void toNodeHandler(handler)(request, response));
  const actualPort = await bind(server, port, host);
  const name = isLoopback(host) || host === "0.0.0.0" || host === "::" ? "localhost" : host;
  let smtpServer: { readonly port: number; close(): Promise<void> } | undefined;
  if (smtp !== false) {
    try {
      const { listenSmtp } = await import("./smtp.js");
      smtpServer = await listenSmtp(smtp, host, intake);
    } catch (error) {
      await stop(server);
      throw error;
    }
  }
  return {
    url: `http://${name}:${actualPort}/`,
    smtpUrl: smtpServer && `smtp://${name}:${smtpServer.port}`,
    close: async () => {
      await Promise.all([stop(server), smtpServer?.close()]);
    },
  };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    // Pages that are open hold their connection for events.
    server.closeAllConnections();
  });
}
