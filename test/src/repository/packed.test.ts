import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FakeProvider, startFakeMandrill } from "@posthorn/testing/servers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES, runOn } from "../runtimes.js";

const SCRIPT = `
import { mandrill } from "@posthorn/mandrill";
const mail = mandrill({ apiKey: process.env.FAKE_KEY, apiUrl: process.env.FAKE_URL });
const result = await mail.send({ from: "a@example.com", to: ["b@example.org"], subject: "Packed", text: "T" });
console.log(result.status, Object.keys(result.recipients).join());
`;

describe("a packed provider, installed alone in an empty project, sends", { timeout: 120_000 }, () => {
  const project = mkdtempSync(join(tmpdir(), "posthorn-packed-"));
  let fake: FakeProvider;

  beforeAll(async () => {
    fake = await startFakeMandrill();
    for (const name of ["core", "mandrill"]) {
      const folder = fileURLToPath(new URL(`../../../packages/${name}`, import.meta.url));
      execFileSync("npm", ["pack", "--silent", "--pack-destination", project], { cwd: folder });
    }
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    writeFileSync(join(project, "send.js"), SCRIPT);
    const tarballs = readdirSync(project).filter((file) => file.endsWith(".tgz"));
    execFileSync("npm", ["install", "--no-audit", "--no-fund", ...tarballs.map((file) => `./${file}`)], {
      cwd: project,
      stdio: "pipe",
    });
  }, 120_000);
  afterAll(async () => {
    await fake.close();
    rmSync(project, { recursive: true, force: true });
  });

  for (const runtime of RUNTIMES) {
    it(`on ${runtime.name}`, async () => {
      const env = { FAKE_KEY: fake.apiKey, FAKE_URL: fake.apiUrl };
      const { stdout, stderr } = await runOn(runtime, join(project, "send.js"), { env, cwd: project });
      expect(stderr).toBe("");
      expect(stdout.trim()).toBe("sent b@example.org");
    });
  }

  it("brings nothing but core", () => {
    expect(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
      "@posthorn",
    ]);
    expect(readdirSync(join(project, "node_modules", "@posthorn"))).toEqual(["core", "mandrill"]);
  });
});
