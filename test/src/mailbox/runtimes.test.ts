import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { RUNTIMES, runOn } from "../runtimes.js";

for (const runtime of RUNTIMES) {
  it(`the mailbox keeps, serves and protects messages on ${runtime.name}`, { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "posthorn-mailbox-"));
    try {
      const probe = fileURLToPath(new URL("probe.mjs", import.meta.url));
      const { stdout, stderr } = await runOn(runtime, probe, {
        args: [join(folder, "mailbox.ndjson")],
        timeout: 50_000,
      });
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual({
        status: "sent",
        subjects: ["Second", "Hello"],
        html: '<base target="_blank"><p>Hi',
        sandboxed: true,
        large: 1_500_000,
        ready: true,
        foreign: 403,
        source: true,
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
