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
      const [mails = [], events = []] = tables(stdout);
      expect(mails[0]).toEqual(["PROVIDER", "MAIL", "RECIPIENT", "STATUS", "MESSAGE ID", "ATTEMPTS"]);
      expect(events[0]).toEqual(["PROVIDER", "EVENT", "ADDRESS", "ABOUT"]);
      for (const provider of ["Mandrill", "Mailgun"]) {
        const done = provider === "Mandrill" ? "sent" : "queued";
        expect(
          of(provider, mails).map(([mail, recipient, status, , attempts]) => [
            mail,
            recipient,
            status,
            attempts,
          ]),
        ).toEqual([
          ["welcome", "grace@example.org", done, expect.stringMatching(/^429 \(wait \d\.\d s\) → 200$/)],
          ["batch", "grace@example.org", done, expect.stringMatching(/^503 \(wait \d\.\d s\) → 200$/)],
          ["batch", "alan@example.net", done, expect.stringMatching(/^503 \(wait \d\.\d s\) → 200$/)],
          ["receipt", "grace@example.org", done, "200"],
          ["broken server", "-", "ApiError: unknown, not retryable", "500"],
          ["dropped connection", "-", "TransportError: unknown, not retryable", expect.any(String)],
        ]);
        // Mandrill tells of sending too.
        const told = of(provider, events).filter(([event]) => event !== "sent");
        expect(told.map(([event, address]) => [event, address])).toEqual([
          ["delivered", "grace@example.org"],
          ["opened", "grace@example.org"],
          ["clicked", "grace@example.org"],
          ["delivered", "grace@example.org"],
          ["delivered", "alan@example.net"],
          ["delivered", "grace@example.org"],
          ["inbound", "grace@example.org"],
        ]);
        expect(told.at(-1)?.[2]).toBe("Re: Welcome aboard – merci!, café.txt");
      }
      expect(stdout).toContain("they took 6 messages");
    });
  }
});

type Table = readonly (readonly string[])[];

/** The tables of an output, each beginning with its head. */
function tables(stdout: string): readonly Table[] {
  return stdout
    .split(/^(?=PROVIDER)/m)
    .map((part) => (part.split("\n\n")[0] ?? "").split("\n").map((line) => line.split(/ {2,}/)));
}

/** The rows of a provider, without its name. */
function of(provider: string, table: Table): Table {
  return table.filter(([name]) => name === provider).map(([, ...cells]) => cells);
}
