import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type Fault, isAccepted, type Script, writeAnswer } from "./faults.js";
import { parseRequest, type RawRequest } from "./http-parser.js";
import { Incoming } from "./incoming.js";
import { TEST_CERTIFICATE, TEST_KEY } from "./test-certificate.js";

/** A request that a fault server read whole. */
export interface SeenRequest extends RawRequest {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What the server did with it. */
  readonly fault: Fault;
  /** Whether the mail counts as taken. */
  readonly accepted: boolean;
}

/** Options of {@link startFaultServer}. */
export interface FaultServerOptions {
  /** What to do with requests that no fault is scripted for. Default: answer 200 with `{}`. */
  readonly respond?: (request: RawRequest, index: number) => Fault;
  /** Whether connections stay open after an answer. Default `true`. */
  readonly keepAlive?: boolean;
  /** Milliseconds after which an idle connection is closed without a word. Default: never. */
  readonly idleTimeout?: number;
  /** Speaks TLS, with a certificate nobody trusts. */
  readonly tls?: boolean;
}

/** A raw HTTP server on loopback that fails on demand. */
export interface FaultServer {
  readonly url: string;
  readonly port: number;
  /** Requests read whole, oldest first. */
  readonly requests: readonly SeenRequest[];
  /** Connections accepted, those that came to nothing included. */
  readonly connections: number;
  /** Sockets open now. */
  readonly openSockets: number;
  /** Puts faults in line, one for each connection or request to come. */
  script(...faults: readonly Fault[]): void;
  /** Decides by request instead; comes after scripted faults. */
  decide(script: Script | undefined): void;
  /** Forgets requests and scripted faults. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts a fault server on a free port of 127.0.0.1. */
export async function startFaultServer(options: FaultServerOptions = {}): Promise<FaultServer> {
  const sockets = new Set<Socket>();
  /** Connections of clients by the port of their relay to the TLS server. */
  const outer = new Map<number | undefined, Socket>();
  const queue: Fault[] = [];
  const requests: SeenRequest[] = [];
  let connections = 0;
  let decide: Script | undefined;
  let index = 0;

  const respond = options.respond ?? ((): Fault => ({ kind: "answer" }));
  const next = (request: RawRequest): Fault => {
    const at = index++;
    return queue.shift() ?? decide?.(request, at) ?? respond(request, at);
  };
  const onSocket = (socket: Socket): void => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("timeout", () => socket.end());
    // A peer that goes away is what these servers are for.
    socket.on("error", () => socket.destroy());
    if (queue[0]?.kind === "reset-on-accept") {
      queue.shift();
      reset(socket);
      return;
    }
    const incoming = new Incoming();
    socket.on("data", (chunk: Buffer) => {
      incoming.add(chunk);
      // A TLS handshake where none is spoken: web servers answer it like this.
      if (incoming.bytes[0] === 0x16) {
        socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
        return;
      }
      for (let parsed = parseRequest(incoming.bytes); parsed; parsed = parseRequest(incoming.bytes)) {
        incoming.takeAllBut(parsed.rest);
        const fault = next(parsed.request);
        requests.push({ ...parsed.request, at: Date.now(), fault, accepted: isAccepted(fault) });
        const act = (): void => {
          // Before its first request a connection is not idle: the client may be slow.
          if (options.idleTimeout) socket.setTimeout(options.idleTimeout);
          const client = outer.get(socket.remotePort) ?? socket;
          if (fault.kind === "tls-break") client.end(NO_TLS);
          else if (fault.kind === "reset-after-request") reset(client);
          else perform(socket, fault, options.keepAlive ?? true);
        };
        if (fault.delay) setTimeout(act, fault.delay).unref();
        else act();
      }
    });
  };
  const spoken: Server = options.tls
    ? createTlsServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }, onSocket).on("tlsClientError", () => {})
    : createServer(onSocket);
  const port = await listen(spoken);
  // In front of TLS, connections are relayed, so that bytes can be sent that are none.
  const relay = options.tls ? createServer((socket) => relayTo(port, socket, outer, sockets)) : undefined;
  const address = { port: relay ? await listen(relay) : port };
  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${address.port}`,
    port: address.port,
    requests,
    get connections() {
      return connections;
    },
    get openSockets() {
      return sockets.size;
    },
    script: (...faults) => void queue.push(...faults),
    decide: (script) => {
      decide = script;
    },
    reset: () => {
      queue.length = 0;
      requests.length = 0;
      connections = 0;
      index = 0;
      decide = undefined;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      relay?.close();
      return new Promise((resolve) => spoken.close(() => resolve()));
    },
  };
}

const NO_TLS = "HTTP/1.1 502 Bad Gateway\r\n\r\n";

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function relayTo(
  port: number,
  socket: Socket,
  outer: Map<number | undefined, Socket>,
  sockets: Set<Socket>,
): void {
  const inner = connect(port, "127.0.0.1");
  inner.on("connect", () => outer.set(inner.localPort, socket));
  for (const [one, other] of [
    [socket, inner],
    [inner, socket],
  ] as const) {
    sockets.add(one);
    one.pipe(other);
    one.on("error", () => reset(other));
    one.on("close", () => {
      sockets.delete(one);
      other.destroySoon();
    });
  }
}

function perform(socket: Socket, fault: Fault, keepAlive: boolean): void {
  switch (fault.kind) {
    case "reset-on-accept":
    case "reset-after-request":
      reset(socket);
      break;
    case "close-after-request":
      socket.end();
      break;
    case "stall-before-headers":
    case "tls-break":
      break;
    case "invalid-http":
      socket.end("SMTP/0.9 oh no\r\n\r\n");
      break;
    case "garbage":
      answer(socket, writeAnswer(GARBAGE, keepAlive), keepAlive);
      break;
    case "stall-in-body":
      socket.write(writeAnswer(fault, true, true));
      break;
    case "truncated-body":
      socket.end(writeAnswer(fault, true, true));
      break;
    case "answer":
      answer(socket, writeAnswer(fault, keepAlive), keepAlive);
      break;
  }
}

const GARBAGE = { body: "<html>It works!</html>", headers: { "content-type": "text/html" } };

function answer(socket: Socket, bytes: string, keepAlive: boolean): void {
  if (keepAlive) socket.write(bytes);
  else socket.end(bytes);
}

/** RST instead of FIN. Bun and Deno have no `resetAndDestroy` for every socket. */
function reset(socket: Socket): void {
  if (typeof socket.resetAndDestroy === "function") socket.resetAndDestroy();
  else socket.destroy();
}
