/** What is needed of Node's `ServerResponse`, and of its HTTP/2 kind. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  readonly destroyed?: boolean;
  setHeader(name: string, value: string | string[]): unknown;
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  once(event: "close" | "drain", listener: () => void): unknown;
  removeListener(event: "close" | "drain", listener: () => void): unknown;
  destroy?(): unknown;
}

/** Headers of one connection, which HTTP/2 does not allow and HTTP/1 leaves to the server. */
const OF_THE_CONNECTION = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** Sends a web `Response`, its body as it comes and no faster than the client takes it. */
export async function sendResponse(outgoing: NodeResponse, response: Response, head: boolean): Promise<void> {
  outgoing.statusCode = response.status;
  response.headers.forEach((value, name) => {
    if (name !== "set-cookie" && !OF_THE_CONNECTION.has(name)) outgoing.setHeader(name, value);
  });
  // The one header that cannot be joined by commas.
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  if (head) await response.body?.cancel();
  else if (response.body) await sendBody(outgoing, response.body);
  outgoing.end();
}

async function sendBody(outgoing: NodeResponse, body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  let gone = outgoing.destroyed ?? false;
  let onClose = (): void => {};
  const closed = new Promise<void>((resolve) => {
    onClose = () => {
      gone = true;
      resolve();
    };
    outgoing.once("close", onClose);
  });
  try {
    while (!gone) {
      const next = await Promise.race([reader.read(), closed]);
      if (!next || next.done) break;
      if (!outgoing.write(next.value)) await drained(outgoing, closed);
    }
  } finally {
    outgoing.removeListener("close", onClose);
    // Whoever makes the body is told that nobody reads on; after its end this does nothing.
    reader.cancel().catch(() => {});
  }
}

async function drained(outgoing: NodeResponse, closed: Promise<void>): Promise<void> {
  let onDrain = (): void => {};
  const drain = new Promise<void>((resolve) => {
    onDrain = resolve;
    outgoing.once("drain", onDrain);
  });
  await Promise.race([drain, closed]);
  outgoing.removeListener("drain", onDrain);
}
