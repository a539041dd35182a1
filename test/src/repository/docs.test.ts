import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (page: string): string => readFileSync(join(root, page), "utf8");
/** Texts whose TypeScript samples are checked, each sample as a module of its own. */
const TEXTS = [
  read("apps/docs/webhooks.md"),
  read("apps/docs/after-sending.md"),
  ...read("README.md")
    .split(/^(?=## )/m)
    .filter((section) => section.startsWith("## Webhooks")),
];
/** What the samples take for given. */
const GIVEN = `
declare const webhook: (request: Request) => Promise<Response>;
declare function record(...values: readonly unknown[]): Promise<void>;
declare const db: { query(text: string, values: readonly unknown[]): Promise<{ rowCount: number | null; rows: readonly { done: boolean }[] }> };
type Handler = (request: Request) => Promise<Response>;
declare const Bun: { serve(options: { port: number; fetch: Handler }): unknown };
declare const Deno: { serve(options: { port: number }, handler: Handler): unknown };
`;

it("the samples of the pages are of the right types", { timeout: 120_000 }, () => {
  const modules = join(root, "test/node_modules");
  mkdirSync(modules, { recursive: true });
  const folder = mkdtempSync(join(modules, "samples-"));
  try {
    const samples = TEXTS.flatMap((text) =>
      [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]),
    );
    expect(samples.length).toBeGreaterThan(11);
    writeFileSync(join(folder, "given.d.ts"), GIVEN);
    for (const [index, sample] of samples.entries()) {
      writeFileSync(join(folder, `sample-${index + 1}.ts`), `${sample}\nexport {};\n`);
    }
    const options = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: { types: ["node"], noUnusedLocals: false, verbatimModuleSyntax: false },
      files: ["given.d.ts", ...samples.map((_, index) => `sample-${index + 1}.ts`)],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
    let found = "";
    try {
      execFileSync(join(root, "node_modules/.bin/tsc"), ["--project", folder], { encoding: "utf8" });
    } catch (error) {
      found = (error as { stdout: string }).stdout;
    }
    expect(found).toBe("");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
