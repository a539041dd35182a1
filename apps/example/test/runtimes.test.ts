import { fileURLToPath } from "node:url";
import { RUNTIMES, runOn } from "@posthorn/test/runtimes";
import { describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const environment = { MANDRILL_API_KEY: "", MAILGUN_API_KEY: "" };

describe("the example prints its table", () => {
  for (const runtime of RUNTIMES) {
    it(`on ${runtime.name}`, { timeout: 60_000 }, async () => {
      const { code, stdout, stderr } = await runOn(runtime, main, { env: environment });
      expect(stderr).toBe("");
      expect(code).toBe(0);
      const lines = stdout.split("\n").map((line) => line.split(/ {2,}/));
      expect(lines[0]).toEqual(["PROVIDER", "MAIL", "RECIPIENT", "STATUS", "MESSAGE ID", "ATTEMPTS"]);
      for (const provider of ["Mandrill", "Mailgun"]) {
        const rows = lines.filter(([name]) => name === provider);
        const done = provider === "Mandrill" ? "sent" : "queued";
        expect(
          rows.map(([, mail, recipient, status, , attempts]) => [mail, recipient, status, attempts]),
        ).toEqual([
          ["welcome", "grace@example.org", done, "429 (wait 1.0 s) → 200"],
          ["batch", "grace@example.org", done, "503 (wait 1.0 s) → 200"],
          ["batch", "alan@example.net", done, "503 (wait 1.0 s) → 200"],
          ["receipt", "grace@example.org", done, "200"],
          ["broken server", "-", "ApiError: unknown, not retryable", "500"],
          ["dropped connection", "-", "TransportError: unknown, not retryable", expect.any(String)],
        ]);
      }
      expect(stdout).toContain("they took 6 mails");
    });
  }
});
