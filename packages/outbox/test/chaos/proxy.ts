import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { seededRandom } from "@posthorn/testing/servers";

/** A TCP proxy that cuts connections. */
export interface Proxy {
  readonly port: number;
  readonly cuts: number;
  /** Stops cutting. */
  calm(): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy on loopback. Of the chunks that the server sends, one in so many is thrown away and its connection cut: the statement
 * was done, and nobody is told. Of those that the client sends, one in so many never arrives.
 */
export async function startProxy(target: number, oneIn: number, seed = 1): Promise<Proxy> {
  const random = seededRandom(seed);
  const sockets = new Set<Socket>();
  let cuts = 0;
  let isCalm = false;
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const pass = (to: Socket) => (chunk: Buffer) => {
      if (!isCalm && random() * oneIn < 1) {
        cuts++;
        client.destroy();
        upstream.destroy();
      } else to.write(chunk);
    };
    client.on("data", pass(upstream));
    upstream.on("data", pass(client));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts;
    },
    calm: () => {
      isCalm = true;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
