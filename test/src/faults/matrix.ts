import { type AddressInfo, createServer } from "node:net";
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
  readonly error: "ApiError" | "TransportError" | "PosthornError" | "none";
  readonly phase?: "connect" | "read" | "other";
  readonly status?: number;
  readonly delivery: "not-sent" | "unknown" | "accepted";
  readonly retryable?: boolean;
  /** Default 1. */
  readonly attempts?: number;
}

/** One row of the matrix: where to send, and what must come of it. */
interface Row {
  readonly name: string;
  readonly url: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** A hook of the session that fails as a refused connection does. */
  readonly hook?: "onRequest" | "onResponse";
  /** Whether it needs a runtime that trusts any certificate. */
  readonly trusting?: boolean;
  /** What must come of it; several where more than one is true. */
  readonly expected: readonly Outcome[];
}

const UNSENT: Outcome = { error: "TransportError", phase: "connect", delivery: "not-sent", retryable: true };
const TLS: Outcome = { error: "TransportError", phase: "other", delivery: "not-sent", retryable: false };
const LOST: Outcome = { error: "TransportError", phase: "read", delivery: "unknown", retryable: false };
const TAKEN: Outcome = { error: "ApiError", status: 200, delivery: "accepted", retryable: false };

const HOOK_BEFORE: Outcome = { error: "PosthornError", delivery: "not-sent", retryable: false, attempts: 0 };
const HOOK_AFTER: Outcome = { error: "PosthornError", delivery: "accepted", retryable: false };
const TAKEN_BODY = '[{"email":"b@example.org","status":"sent","_id":"1"}]';

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

/** What a proxy answers for a server that was only slow. */
const page = (code: number): Fault => ({
  kind: "answer",
  status: code,
  headers: { "retry-after": "5", "content-type": "text/html" },
  body: "<!DOCTYPE html><title>Backend fetch failed</title>",
  accepted: true,
});

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
  ["303", answer(303, { location: "/done" }), status(303, "unknown", false)],
  ["421", answer(421), status(421, "not-sent", true)],
  ["413 of a proxy", page(413), status(413, "unknown", false)],
  ["429 of a proxy", page(429), status(429, "unknown", false)],
  ["503 of a proxy, Retry-After: 5", page(503), status(503, "unknown", false)],
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
  const cut = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.destroy()));
  await new Promise<void>((resolve) => cut.listen(0, "127.0.0.1", resolve));
  const broken = await start({ tls: true, respond: () => ({ kind: "tls-break", accepted: true }) });
  rows.push(
    {
      name: "TLS handshake cut short",
      url: `https://127.0.0.1:${(cut.address() as AddressInfo).port}`,
      timeout,
      // Bun and workerd say the same of a connection that is lost later.
      expected: [UNSENT, LOST],
    },
    { name: "TLS broken after the request", url: broken.url, timeout, trusting: true, expected: [LOST] },
    // Bun and workerd block no port, and find nobody there.
    { name: "a port that fetch blocks", url: "http://127.0.0.1:6000", timeout, expected: [TLS, UNSENT] },
  );
  const taking = await start({ respond: () => ({ kind: "answer", body: TAKEN_BODY }) });
  const hooked = { url: taking.url, timeout };
  rows.push(
    { name: "a hook fails before the request", ...hooked, hook: "onRequest", expected: [HOOK_BEFORE] },
    { name: "a hook fails after a 200", ...hooked, hook: "onResponse", expected: [HOOK_AFTER] },
  );
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
      cut.close();
      for (const server of servers) await server.close();
    },
  };
}
