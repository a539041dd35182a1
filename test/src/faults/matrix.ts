import {
  type Fault,
  type FaultServer,
  refusedUrl,
  startBlackHole,
  startFaultServer,
  UNRESOLVABLE_URL,
} from "@posthorn/testing/servers";

/** What a fault must come out as. */
export interface Outcome {
  readonly error: "ApiError" | "TransportError" | "none";
  readonly phase?: "connect" | "read" | "other";
  readonly status?: number;
  readonly delivery: "not-sent" | "unknown" | "accepted";
  readonly retryable?: boolean;
}

/** One row of the matrix: where to send, and what must come of it. */
interface Row {
  readonly name: string;
  readonly url: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** What must come of it; several where more than one is true. */
  readonly expected: readonly Outcome[];
}

const UNSENT: Outcome = { error: "TransportError", phase: "connect", delivery: "not-sent", retryable: true };
const TLS: Outcome = { error: "TransportError", phase: "other", delivery: "not-sent", retryable: false };
const LOST: Outcome = { error: "TransportError", phase: "read", delivery: "unknown", retryable: false };
const TAKEN: Outcome = { error: "ApiError", status: 200, delivery: "accepted", retryable: false };

const status = (code: number, delivery: Outcome["delivery"], retryable: boolean): Outcome => ({
  error: "ApiError",
  status: code,
  delivery,
  retryable,
});
const answer = (code: number, headers: Readonly<Record<string, string>> = {}): Fault => ({
  kind: "answer",
  status: code,
  headers,
  body: '{"message":"no"}',
});

/**
 * A reset on accept is seen while the runtime is still connecting, which proves the mail unsent, or only with the request,
 * which proves nothing: that is a race, mostly on Deno.
 */
const RESET_ON_ACCEPT = "reset on accept";

const NO_TLS = "no TLS there";

/** Faults that a server commits after it accepted a connection. */
const SERVED: readonly (readonly [string, Fault, Outcome])[] = [
  [RESET_ON_ACCEPT, { kind: "reset-on-accept" }, LOST],
  ["reset after request", { kind: "reset-after-request" }, LOST],
  ["closed after request", { kind: "close-after-request" }, LOST],
  ["stall before headers", { kind: "stall-before-headers" }, LOST],
  ["stall in body", { kind: "stall-in-body", body: '[{"email":"b@example.org"}]' }, TAKEN],
  ["truncated body", { kind: "truncated-body", body: '[{"email":"b@example.org"}]' }, TAKEN],
  ["2xx with garbage", { kind: "garbage" }, TAKEN],
  ["invalid HTTP", { kind: "invalid-http" }, LOST],
  ["redirect 302", answer(302, { location: "/elsewhere" }), status(302, "not-sent", false)],
  ["redirect 307", answer(307, { location: "/elsewhere" }), status(307, "not-sent", false)],
  ["400", answer(400), status(400, "not-sent", false)],
  ["401", answer(401), status(401, "not-sent", false)],
  ["408", answer(408), status(408, "not-sent", true)],
  ["425", answer(425), status(425, "not-sent", true)],
  ["429", answer(429), status(429, "not-sent", true)],
  ["429 Retry-After: 7", answer(429, { "retry-after": "7" }), status(429, "not-sent", true)],
  ["500", answer(500), status(500, "unknown", false)],
  ["502", answer(502), status(502, "unknown", false)],
  ["503", answer(503), status(503, "unknown", false)],
  ["503 Retry-After: 7", answer(503, { "retry-after": "7" }), status(503, "not-sent", true)],
  [
    "503 Retry-After: a date",
    answer(503, { "retry-after": "Tue, 19 Jan 2038 03:14:07 GMT" }),
    status(503, "not-sent", true),
  ],
  ["504", answer(504), status(504, "unknown", false)],
];

/** The whole matrix, its servers running. */
export interface Matrix {
  readonly rows: readonly Row[];
  close(): Promise<void>;
}

/** Starts a server for each fault. */
export async function startMatrix(): Promise<Matrix> {
  const servers: FaultServer[] = [];
  const start = async (options: Parameters<typeof startFaultServer>[0]): Promise<FaultServer> => {
    const server = await startFaultServer(options);
    servers.push(server);
    return server;
  };
  const timeout = 15_000;
  const plain = await start({});
  const secure = await start({ tls: true });
  const hole = await startBlackHole();
  const rows: Row[] = [
    { name: "refused", url: await refusedUrl(), timeout, expected: [UNSENT] },
    { name: "DNS failure", url: UNRESOLVABLE_URL, timeout, expected: [UNSENT] },
    // No runtime tells a connection that hangs from an answer that does not come, so this must count as sent.
    { name: "connecting hangs", url: hole.url, timeout: 1_000, expected: [LOST] },
    { name: "bad certificate", url: secure.url, timeout, expected: [TLS] },
    // Bun says the same of bytes that are no TLS in the middle of a response.
    { name: NO_TLS, url: plain.url.replace("http:", "https:"), timeout, expected: [TLS, LOST] },
  ];
  for (const [name, fault, expected] of SERVED) {
    const server = await start({ respond: () => fault });
    // Faults on accepting are scripted, since they come before any request.
    if (fault.kind === "reset-on-accept") server.script(...Array.from({ length: 20 }, () => fault));
    rows.push({
      name,
      url: server.url,
      timeout: fault.kind.startsWith("stall") ? 1_000 : timeout,
      expected: name === RESET_ON_ACCEPT ? [expected, UNSENT] : [expected],
    });
  }
  return {
    rows,
    close: async () => {
      hole.close();
      for (const server of servers) await server.close();
    },
  };
}
