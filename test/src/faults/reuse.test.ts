import { fileURLToPath } from "node:url";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES, runOn } from "../runtimes.js";

const script = fileURLToPath(new URL("reuse.mjs", import.meta.url));
const deno = runtimeNamed("deno");
const TAKEN = '[{"email":"b@example.org","status":"sent","_id":"1"}]';

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer({ respond: () => ({ kind: "answer", body: TAKEN }) });
});
afterEach(() => server.reset());
afterAll(() => server.close());

async function run(
  runtime: (typeof RUNTIMES)[number],
  mode: "posthorn" | "fetch",
): Promise<readonly string[]> {
  const { stdout, stderr } = await runOn(runtime, script, { args: [server.url, mode] });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as string[];
}

function runtimeNamed(wanted: string): (typeof RUNTIMES)[number] {
  const runtime = RUNTIMES.find(({ name }) => name === wanted);
  if (!runtime) throw new Error(`${wanted} is not one of the runtimes`);
  return runtime;
}

describe("a connection that closes after the whole request was received", { timeout: 30_000 }, () => {
  for (const runtime of RUNTIMES) {
    it(`makes no second request on ${runtime.name}`, async () => {
      server.script({ kind: "answer", body: TAKEN }, { kind: "close-after-request", accepted: true });
      expect(await run(runtime, "posthorn")).toEqual(["accepted", "unknown"]);
      expect(server.requests).toHaveLength(2);
    });
  }

  it("does make one on Deno with fetch as it is: what Posthorn guards against", async () => {
    server.script({ kind: "answer", body: TAKEN }, { kind: "close-after-request", accepted: true });
    expect(await run(deno, "fetch")).toEqual(["accepted", "accepted"]);
    expect(server.requests).toHaveLength(3);
  });

  it("has one client on Deno for it, made at the first request", async () => {
    const clients = fileURLToPath(new URL("clients.mjs", import.meta.url));
    const { stdout, stderr } = await runOn(deno, clients, { args: [server.url] });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual([0, 1, 1]);
  });
});

describe("a connection that the server closed while it was idle", { timeout: 30_000 }, () => {
  for (const runtime of RUNTIMES) {
    it(`loses no mail on ${runtime.name}`, async () => {
      const impatient = await startFaultServer({
        respond: () => ({ kind: "answer", body: TAKEN, headers: { "x-idle": "1" } }),
        idleTimeout: 50,
      });
      try {
        const { stdout, stderr } = await runOn(runtime, script, { args: [impatient.url, "posthorn"] });
        expect(stderr).toBe("");
        expect(JSON.parse(stdout)).toEqual(["accepted", "accepted"]);
        expect(impatient.requests).toHaveLength(2);
      } finally {
        await impatient.close();
      }
    });
  }
});
