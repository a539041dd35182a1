import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES, runOn } from "../runtimes.js";
import { type Case, type Outcome, startCases } from "./matrix.js";

const probe = fileURLToPath(new URL("probe.mjs", import.meta.url));

/** Whether an outcome has all members of the expected one. */
function equals(outcome: object | undefined, expected: object): boolean {
  return Object.entries(expected).every(
    ([key, value]) => (outcome as Record<string, unknown> | undefined)?.[key] === value,
  );
}

describe("every way in which an SMTP session can break comes out as what it is", { timeout: 120_000 }, () => {
  let cases: readonly Case[];
  beforeAll(async () => {
    cases = await startCases();
  });
  afterAll(async () => {
    for (const { server } of cases) await server?.close();
  });

  for (const runtime of RUNTIMES) {
    for (const pool of [false, true]) {
      it(`on ${runtime.name}, ${pool ? "pooled" : "one connection a message"}`, async () => {
        for (const { server } of cases) server?.reset();
        const probes = cases.map(({ name, url, timeout, size }) => ({ name, url, timeout, size }));
        const { stdout, stderr, code } = await runOn(runtime, probe, {
          args: [JSON.stringify({ probes, pool })],
          timeout: 100_000,
        });
        expect(stderr).toBe("");
        expect(code).toBe(0);
        const outcomes = JSON.parse(stdout) as Record<string, Outcome & { attempts: number }>;
        for (const { name, expected, server } of cases) {
          const attempts = expected.error === "none" ? {} : { attempts: 1 };
          const fits = equals(outcomes[name], { ...expected, ...attempts });
          expect(fits, `${name}: ${JSON.stringify(outcomes[name])}`).toBe(true);
          // What was reported is what the server saw: no end of a message where it is said not to have been sent without a reply.
          if (expected.phase === "connect") expect(server?.contents.length ?? 0, name).toBe(0);
          if (expected.delivery !== "not-sent") expect(server?.contents.length, name).toBe(1);
          expect(server?.messages.length ?? 0, name).toBe(expected.error === "none" ? 1 : 0);
        }
      });
    }
  }
});
