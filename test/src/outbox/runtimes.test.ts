import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { RUNTIMES, runOn } from "../runtimes.js";

const SMOKE = fileURLToPath(new URL("smoke.mjs", import.meta.url));

it.each(RUNTIMES)(
  "the outbox works on $name with the SQLite that it has",
  { timeout: 60_000 },
  async (runtime) => {
    const folder = mkdtempSync(join(tmpdir(), "posthorn-outbox-"));
    try {
      const run = await runOn(runtime, SMOKE, { args: [join(folder, "outbox.db")] });
      expect(run.code, run.stderr).toBe(0);
      expect(JSON.parse(run.stdout)).toEqual({
        duplicate: true,
        accepted: 2,
        state: "accepted",
        rolledBack: null,
        sent: 2,
        warnings: [],
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
