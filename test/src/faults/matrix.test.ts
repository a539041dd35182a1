import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES, type Runtime, runOn } from "../runtimes.js";
import { type Matrix, type Outcome, startMatrix } from "./matrix.js";
import { startProbeWorker } from "./probe-worker.js";

type Seen = Outcome & { attempts: number; retryAt: boolean; text?: string };
type Outcomes = Record<string, Seen>;
type Probe = Pick<Matrix["rows"][number], "name" | "url" | "timeout" | "hook">;

const probe = fileURLToPath(new URL("probe.mjs", import.meta.url));
const table: string[][] = [["RUNTIME", "FAULT", "ERROR", "PHASE", "DELIVERY", "RETRYABLE"]];

let matrix: Matrix;
beforeAll(async () => {
  matrix = await startMatrix();
});
afterAll(async () => {
  await matrix.close();
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  console.log(
    table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).join("\n"),
  );
});

/** Whether an outcome has all members of the expected one. */
function equals(outcome: object | undefined, expected: object): boolean {
  return Object.entries(expected).every(
    ([key, value]) => (outcome as Record<string, unknown> | undefined)?.[key] === value,
  );
}

async function run(runtime: Runtime, probes: readonly Probe[], trusting: boolean): Promise<Outcomes> {
  const trust = trusting && runtime.name === "deno" ? ["--unsafely-ignore-certificate-errors"] : [];
  const { stdout, stderr, code } = await runOn({ ...runtime, args: [...runtime.args, ...trust] }, probe, {
    args: [JSON.stringify(probes)],
    env: trusting ? { NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_NO_WARNINGS: "1" } : {},
    timeout: 110_000,
  });
  // Deno tells that it trusts anybody.
  expect(trusting ? stderr.replace(/^.*DANGER.*\n/, "") : stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout) as Outcomes;
}

function check(runtime: string, outcomes: Outcomes, rows: Matrix["rows"]): void {
  for (const { name } of rows) {
    const { error = "", phase, status, delivery = "", retryable } = outcomes[name] ?? {};
    table.push([runtime, name, error, phase ?? String(status ?? ""), delivery, String(retryable ?? "")]);
  }
  for (const { name, expected } of rows) {
    const fits = expected.some((outcome) => equals(outcomes[name], { attempts: 1, ...outcome }));
    expect(fits, `${name}: ${JSON.stringify(outcomes[name])}`).toBe(true);
    if (/Retry-After: (?:7|a date)/.test(name)) expect(outcomes[name]?.retryAt, name).toBe(true);
  }
}

describe("every fault comes out as what it is", { timeout: 120_000 }, () => {
  for (const runtime of RUNTIMES) {
    it(`on ${runtime.name}`, async () => {
      for (const trusting of [false, true]) {
        const rows = matrix.rows.filter((row) => (row.trusting ?? false) === trusting);
        check(runtime.name, await run(runtime, rows, trusting), rows);
      }
    });
  }

  it("on workerd", async () => {
    const worker = await startProbeWorker();
    try {
      const rows = matrix.rows.filter(({ trusting }) => !trusting);
      const probes = rows.map(({ name, url, timeout, hook }) => ({ name, url, timeout, hook }));
      const response = await fetch(worker.url, { method: "POST", body: JSON.stringify(probes) });
      // It says "Network connection lost" or "internal error" whatever has happened, so nothing is proven there.
      const lost = { error: "TransportError", phase: "read", delivery: "unknown", retryable: false } as const;
      const vague = rows.map((row) =>
        row.expected[0]?.error === "TransportError" ? { ...row, expected: [lost] } : row,
      );
      check("workerd", (await response.json()) as Outcomes, vague);
    } finally {
      await worker.close();
    }
  });

  it("on workerd as of a date at which it throws at the option `cache`", async () => {
    const worker = await startProbeWorker("2024-09-01");
    try {
      const probes = matrix.rows.filter(({ name }) => name === "400");
      const response = await fetch(worker.url, { method: "POST", body: JSON.stringify(probes) });
      expect(await response.json()).toMatchObject({ 400: { status: 400, delivery: "not-sent" } });
    } finally {
      await worker.close();
    }
  });

  it("a TLS handshake cut short is told apart on Node and Deno", () => {
    const cut = table.filter(([, name]) => name === "TLS handshake cut short");
    const phases = Object.fromEntries(cut.map(([runtime, , , phase]) => [runtime, phase]));
    expect(phases).toMatchObject({
      node20: "connect",
      node22: "connect",
      node24: "connect",
      deno: "connect",
    });
  });

  it("on Deno without permission to use the network", async () => {
    const deno = RUNTIMES.find(({ name }) => name === "deno") as Runtime;
    const args = deno.args.map((arg) => (arg === "--allow-all" ? "--allow-read" : arg));
    const probes = [{ name: "no permission", url: "http://127.0.0.1:45999", timeout: 15_000 }];
    const outcomes = await run({ ...deno, args: [...args, "--allow-env"] }, probes, false);
    expect(outcomes["no permission"]).toMatchObject({
      phase: "other",
      delivery: "not-sent",
      retryable: false,
    });
  });
});
