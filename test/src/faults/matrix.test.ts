import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES, runOn } from "../runtimes.js";
import { type Matrix, type Outcome, startMatrix } from "./matrix.js";

const probe = fileURLToPath(new URL("probe.mjs", import.meta.url));
const table: string[][] = [];

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

describe("every fault comes out as what it is", { timeout: 60_000 }, () => {
  for (const runtime of RUNTIMES) {
    it(`on ${runtime.name}`, async () => {
      const probes = matrix.rows.map(({ name, url, timeout }) => ({ name, url, timeout }));
      const { stdout, stderr, code } = await runOn(runtime, probe, {
        args: [JSON.stringify(probes)],
        timeout: 50_000,
      });
      expect(stderr).toBe("");
      expect(code).toBe(0);
      const outcomes = JSON.parse(stdout) as Record<string, Outcome & { attempts: number; retryAt: boolean }>;
      if (table.length === 0) table.push(["RUNTIME", "FAULT", "ERROR", "PHASE", "DELIVERY", "RETRYABLE"]);
      for (const { name } of matrix.rows) {
        const { error = "", phase, status, delivery = "", retryable } = outcomes[name] ?? {};
        table.push([
          runtime.name,
          name,
          error,
          phase ?? String(status ?? ""),
          delivery,
          String(retryable ?? ""),
        ]);
      }
      for (const { name, expected } of matrix.rows) {
        const fits = expected.some((outcome) => equals(outcomes[name], { ...outcome, attempts: 1 }));
        expect(fits, `${name}: ${JSON.stringify(outcomes[name])}`).toBe(true);
      }
      for (const name of ["429 Retry-After: 7", "503 Retry-After: 7", "503 Retry-After: a date"]) {
        expect(outcomes[name]?.retryAt, name).toBe(true);
      }
    });
  }
});
